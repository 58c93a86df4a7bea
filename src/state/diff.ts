import { align, type Gap, gaps } from './align.ts'
import type { Change } from './changes.ts'
import { Edits } from './edits.ts'
import { freeze } from './freeze.ts'
import { findFollowers } from './key-order.ts'
import { child, childAt } from './pointer.ts'
import { spliceText } from './splice-text.ts'
import { kindOfMember, type Plain, same, slice } from './values.ts'

type List = readonly unknown[]

/** A value of which nothing stayed, and which takes more changes than this to say so, is written whole. */
const CHANGES_MAX = 2
/** Further down a value is written whole: for the sake of the stack, and of paths that somebody can read. */
const LEVELS_MAX = 100
const NEGATIVE_ZERO = Symbol('-0')

/** The changes from one frozen state to the next. Subtrees that are the same object are not looked into. */
export function diff(previous: unknown, state: unknown, edits = new Edits()): Change[] {
  if (same(previous, state)) return []
  if (state === undefined) return [{ op: 'remove', path: '' }]
  if (previous === undefined) return [{ op: 'add', path: '', value: state }]
  const differ = new Differ(edits)
  differ.diff(previous, state, '')
  return differ.changes
}

/** Gathers changes. Its methods answer true where something of the previous value stayed. */
class Differ {
  readonly changes: Change[] = []
  readonly #edits: Edits
  #levels = 0

  constructor(edits: Edits) {
    this.#edits = edits
  }

  diff(previous: unknown, value: unknown, path: string): boolean {
    const start = this.changes.length
    this.#levels++
    const stayed = this.#levels <= LEVELS_MAX && this.#diffSameKind(previous, value, path)
    this.#levels--
    const count = this.changes.length - start
    if (stayed || (count > 0 && count <= CHANGES_MAX)) return stayed
    this.changes.length = start
    this.changes.push({ op: 'replace', path, value })
    return false
  }

  /** Adds nothing where the two are not of one kind, or where no changes could lead from one to the other. */
  #diffSameKind(previous: unknown, value: unknown, path: string): boolean {
    if (typeof previous === 'string')
      return typeof value === 'string' && this.#diffTexts(previous, value, path)
    const kind = kindOfMember(value)
    if (kind === 'primitive' || kind !== kindOfMember(previous)) return false
    if (kind === 'array') return this.#diffArrays(previous as List, value as List, path)
    if (kind === 'object' || kind === 'bare')
      return this.#diffObjects(previous as Plain, value as Plain, path)
    return false
  }

  #diffTexts(previous: string, value: string, path: string): boolean {
    const splice = spliceText(previous, value)
    if (splice !== undefined) this.changes.push({ op: 'splice', path, ...splice })
    return splice !== undefined
  }

  #diffObjects(previous: Plain, value: Plain, path: string): boolean {
    const edit = this.#edits.find(previous, value)
    if (edit !== undefined) return this.#diffMembers(previous, value, edit.keys, path) || edit.stayed
    const old = Object.keys(previous)
    const keys = Object.keys(value)
    if (isSameList(old, keys)) return this.#diffMembers(previous, value, keys, path)
    const followers = findFollowers(previous, value, old, keys)
    if (followers === undefined) return false
    for (const key of old) {
      if (!Object.hasOwn(value, key)) this.changes.push({ op: 'remove', path: child(path, key) })
    }
    const kept = keys.filter(key => Object.hasOwn(previous, key))
    const stayed = this.#diffMembers(previous, value, kept, path)
    for (const key of keys) {
      if (!Object.hasOwn(previous, key))
        this.changes.push(addition(child(path, key), value[key], followers.get(key)))
    }
    return stayed || old.length === 0
  }

  #diffMembers(previous: Plain, value: Plain, keys: readonly string[], path: string): boolean {
    let stayed = false
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index]!
      if (same(previous[key], value[key]) || this.diff(previous[key], value[key], child(path, key)))
        stayed = true
    }
    return stayed
  }

  #diffArrays(previous: List, value: List, path: string): boolean {
    let stayed = previous.length === 0
    let removed = 0
    for (const gap of findGaps(previous, value)) {
      removed += gap.remove
      if (this.#diffGap(previous, value, gap, path)) stayed = true
    }
    return stayed || removed < previous.length
  }

  /** Once the gaps before it are closed, a gap lies where it does in the new array. */
  #diffGap(previous: List, value: List, { from, remove, to, insert }: Gap, path: string): boolean {
    let done = 0
    for (let step = 0; step < remove && step < insert; step++) {
      if (!this.#diffElement(previous[from + step], value[to + step], path, to + step)) continue
      this.#splice(path, value, to + done, to + step, step - done)
      done = step + 1
    }
    this.#splice(path, value, to + done, to + insert, remove - done)
    return done > 0
  }

  /** False where an element is better written whole; then it adds nothing. */
  #diffElement(previous: unknown, value: unknown, path: string, index: number): boolean {
    if (same(previous, value)) return true
    if (!mayShare(previous, value)) return false
    const start = this.changes.length
    const elementPath = childAt(path, index)
    this.diff(previous, value, elementPath)
    const first = this.changes[start]
    if (first?.op !== 'replace' || first.path !== elementPath) return true
    this.changes.length = start
    return false
  }

  /** Puts the elements of `value` from `start` to `end` in the place of `remove` old ones. */
  #splice(path: string, value: List, start: number, end: number, remove: number): void {
    if (remove === 0 && start === end) return
    // One element for another is a `replace`, which every JSON Patch reader knows.
    if (remove === 1 && end - start === 1) {
      this.changes.push({ op: 'replace', path: childAt(path, start), value: value[start] })
    } else {
      this.changes.push({
        op: 'splice',
        path,
        index: start,
        remove,
        insert: freeze(slice(value, start, end)),
      })
    }
  }
}

function addition(path: string, value: unknown, before: string | undefined): Change {
  return before === undefined ? { op: 'add', path, value } : { op: 'add', path, value, before }
}

function mayShare(previous: unknown, value: unknown): boolean {
  if (typeof value === 'string') return typeof previous === 'string'
  const kind = kindOfMember(value)
  return (kind === 'object' || kind === 'array' || kind === 'bare') && kind === kindOfMember(previous)
}

/** What lies between the elements that are the same ones. */
function findGaps(previous: List, value: List): Gap[] {
  const start = commonStart(previous, value)
  const end = commonEnd(previous, value, start)
  const whole = {
    from: start,
    remove: previous.length - end - start,
    to: start,
    insert: value.length - end - start,
  }
  if (whole.remove === 0 || whole.insert === 0 || stayInPlace(previous, value, whole)) return [whole]
  const before = slice(previous, start, start + whole.remove).map(label)
  const after = slice(value, start, start + whole.insert).map(label)
  const found = gaps(align(before, after), before.length)
  return found.map(gap => ({ ...gap, from: gap.from + start, to: gap.to + start }))
}

/** Where at least half of the elements are still in their places, they are compared there. */
function stayInPlace(previous: List, value: List, { from, remove, insert }: Gap): boolean {
  if (remove !== insert) return false
  let stayed = 0
  for (let index = from; index < from + remove; index++) if (same(previous[index], value[index])) stayed++
  return remove === 1 || stayed * 2 >= remove
}

function commonStart(previous: List, value: List): number {
  let start = 0
  while (start < previous.length && start < value.length && same(previous[start], value[start])) start++
  return start
}

function commonEnd(previous: List, value: List, start: number): number {
  const common = Math.min(previous.length, value.length) - start
  let end = 0
  while (end < common && same(previous[previous.length - 1 - end], value[value.length - 1 - end])) end++
  return end
}

/** Alignment tells labels apart as a Map does its keys, for which -0 is 0. */
function label(value: unknown): unknown {
  return Object.is(value, -0) ? NEGATIVE_ZERO : value
}

function isSameList(a: List, b: List): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}
