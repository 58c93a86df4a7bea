import { align, gaps } from '../state/align.ts'
import { isPlainJson, toTaggedJson } from '../state/tagged-json.ts'
import { kindOf, type Plain, same } from '../state/values.ts'
import type { Line } from './player-rows.ts'
import { printableJson } from './text.ts'

/** Stands for what was not there: no value of a state is the same. */
const NOTHING = Symbol('nothing')
const INDENT = '  '
/** A text that is shorter is marked whole where it changed; of a longer one only what is new in it. */
const WHOLE_TEXT_MAX = 40

/**
 * A state as indented JSON, with what is new in it marked. What it shares with the state before is not looked into:
 * REQUIRES that it was made from that one by `apply`, or shares nothing with it.
 */
export function stateLines(after: unknown, before: unknown, sought?: readonly string[]): Line[] {
  if (after === undefined) return [{ text: '(no state)', mark: before === undefined ? undefined : [0, 0] }]
  const printer = new Printer(isPlainJson(after) ? value => value : toTaggedJson)
  printer.print({ lead: '', indent: '', tail: '', sought }, after, before === undefined ? NOTHING : before)
  return printer.lines
}

/** What stands around a value: a key in front, a comma behind. */
interface Place {
  readonly lead: string
  readonly indent: string
  readonly tail: string
  /** The way from here to the place that was searched for; undefined where it leads elsewhere. */
  readonly sought: readonly string[] | undefined
}

class Printer {
  readonly lines: Line[] = []
  readonly #jsonOf: (value: unknown) => unknown
  /** Something is gone in front of the next line. */
  #gone = false
  /** What is printed lies at the place that was searched for. */
  #isSought = false

  constructor(jsonOf: (value: unknown) => unknown) {
    this.#jsonOf = jsonOf
  }

  print(place: Place, value: unknown, old: unknown): void {
    const isSought = this.#isSought
    if (place.sought?.length === 0) this.#isSought = true
    this.#print(place, value, old)
    this.#isSought = isSought
  }

  #print(place: Place, value: unknown, old: unknown): void {
    if (same(value, old)) this.#whole(place, value, false)
    else if (typeof value === 'string' && typeof old === 'string' && value.length >= WHOLE_TEXT_MAX)
      this.#text(place, value, old)
    else if (this.#isOpen(value, 'array') && this.#isOpen(old, 'array'))
      this.#array(place, value as readonly unknown[], old as readonly unknown[])
    else if (this.#isOpen(value, 'object') && this.#isOpen(old, 'object'))
      this.#object(place, value as Plain, old as Plain)
    else this.#whole(place, value, true)
  }

  /** True for what is printed member by member: what is shown by a tag is not. */
  #isOpen(value: unknown, kind: 'array' | 'object'): boolean {
    if (typeof value !== 'object' || value === null || kindOf(value) !== kind) return false
    if (kind === 'array') return (value as readonly unknown[]).length > 0
    const keys = Object.keys(value)
    const isEscaped = keys.length === 1 && keys[0]!.startsWith('$') && this.#jsonOf === toTaggedJson
    return keys.length > 0 && !isEscaped
  }

  #object(place: Place, value: Plain, old: Plain): void {
    const inside = place.indent + INDENT
    const keys = Object.keys(value)
    if (Object.keys(old).some(key => !Object.hasOwn(value, key))) this.#gone = true
    this.#line(`${place.lead}{`)
    for (const [index, key] of keys.entries()) {
      const tail = index < keys.length - 1 ? ',' : ''
      const lead = `${inside}${jsonText(key)}: `
      const member = { lead, indent: inside, tail, sought: below(place, key) }
      this.print(member, value[key], Object.hasOwn(old, key) ? old[key] : NOTHING)
    }
    this.#line(`${place.indent}}${place.tail}`)
  }

  #array(place: Place, value: readonly unknown[], old: readonly unknown[]): void {
    const inside = place.indent + INDENT
    const print = (index: number, previous: unknown) => {
      const tail = index < value.length - 1 ? ',' : ''
      const sought = below(place, String(index))
      this.print({ lead: inside, indent: inside, tail, sought }, value[index], previous)
    }
    const match = align(old, value)
    this.#line(`${place.lead}[`)
    let next = 0
    for (const { from, remove, to, insert } of gaps(match, old.length)) {
      for (; next < to; next++) print(next, value[next])
      // Elements give way to others one by one.
      for (; next < to + insert; next++) print(next, next - to < remove ? old[from + next - to] : NOTHING)
      if (remove > insert) this.#gone = true
    }
    for (; next < value.length; next++) print(next, value[next])
    this.#line(`${place.indent}]${place.tail}`)
  }

  #text({ lead, tail }: Place, value: string, old: string): void {
    const [start, end] = middle(value, old)
    const from = lead.length + jsonText(value.slice(0, start)).length - 1
    const length = jsonText(value.slice(start, end)).length - 2
    this.#line(lead + jsonText(value) + tail, [from, from + length])
  }

  #whole({ lead, indent, tail }: Place, value: unknown, isNew: boolean): void {
    const lines = jsonText(this.#jsonOf(value), INDENT).split('\n')
    for (const [index, line] of lines.entries()) {
      const head = index === 0 ? lead : indent
      const text = head + line + (index === lines.length - 1 ? tail : '')
      this.#line(text, isNew ? [index === 0 ? indent.length : head.length, text.length] : undefined)
    }
  }

  #line(text: string, mark?: Line['mark']): void {
    const isSought = this.#isSought
    this.lines.push({ text, mark: mark ?? (this.#gone ? [0, 0] : undefined), isSought })
    this.#gone = false
  }
}

function below({ sought }: Place, key: string): Place['sought'] {
  return sought !== undefined && sought[0] === key ? sought.slice(1) : undefined
}

/** What of a text is new: between what it begins and what it ends with as the old one does. */
function middle(value: string, old: string): [start: number, end: number] {
  const most = Math.min(value.length, old.length)
  let start = 0
  while (start < most && value.charCodeAt(start) === old.charCodeAt(start)) start++
  let rest = 0
  while (
    rest < most - start &&
    value.charCodeAt(value.length - 1 - rest) === old.charCodeAt(old.length - 1 - rest)
  )
    rest++
  let end = value.length - rest
  // The halves of a surrogate pair stay together.
  if (/[\ud800-\udbff]/.test(value[start - 1] ?? '')) start--
  if (/[\udc00-\udfff]/.test(value[end] ?? '')) end++
  return [start, end]
}

function jsonText(json: unknown, indent?: string): string {
  return printableJson(JSON.stringify(json, undefined, indent))
}
