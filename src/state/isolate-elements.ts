import { align, gaps } from './align.ts'
import { Labels } from './label.ts'
import { isObject, same } from './values.ts'

type List = readonly unknown[]

/** How the elements of the caller's array are come by. */
export interface ElementSource {
  /** Reads an element and isolates it, unless it is `own`. Asked for once per index. */
  isolateAt(index: number, counterpart: unknown, own: OwnElements): unknown
  /** Compares an element that is isolated already with another counterpart. */
  isolate(counterpart: unknown, value: unknown): unknown
}

/** The elements of an array that differs from the previous one. */
export class Elements {
  readonly #previous: List
  readonly #source: ElementSource
  readonly #own: OwnElements
  readonly #values: unknown[]

  constructor(previous: List, length: number, source: ElementSource) {
    this.#previous = previous
    this.#source = source
    this.#own = new OwnElements(previous)
    this.#values = length === previous.length ? previous.slice() : new Array(length)
  }

  /** All of them, where those before `start` are the previous ones and `first` is the one there, if it was read. */
  from(start: number, first?: unknown): List {
    if (this.#values.length === this.#previous.length) this.#inPlace(start, first)
    else this.#fromBothEnds(start, first)
    return this.#values
  }

  /** Arrays of one length are compared in place, and aligned only where hardly anything stayed there. */
  #inPlace(start: number, first: unknown): void {
    this.#values[start] = first
    let changed = 1
    let end = start + 1
    for (let index = end; index < this.#values.length; index++) {
      if (this.#isolateAt(index, this.#previous[index])) continue
      changed++
      end = index + 1
    }
    if (changed > 1 && changed * 2 > end - start) this.#align(start, end, end)
  }

  /** Arrays of two lengths are compared from both ends; what lies between is aligned. */
  #fromBothEnds(start: number, first: unknown): void {
    const shift = this.#previous.length - this.#values.length
    for (let index = 0; index < start; index++) this.#values[index] = this.#previous[index]
    const read = start < Math.min(this.#previous.length, this.#values.length) ? start + 1 : start
    if (read > start) this.#values[start] = first
    let end = this.#values.length
    let unread = end
    while (end > read && end + shift > start) {
      unread = end - 1
      if (!this.#isolateAt(unread, this.#previous[unread + shift])) break
      end = unread
    }
    for (let index = read; index < unread; index++) this.#isolateAt(index, undefined)
    this.#align(start, end, end + shift)
  }

  /** True where an element is its counterpart. */
  #isolateAt(index: number, counterpart: unknown): boolean {
    const value = this.#source.isolateAt(index, counterpart, this.#own)
    this.#values[index] = value
    return same(value, counterpart)
  }

  /** Elements that only moved are matched as objects, then the others with what is left in each gap. */
  #align(start: number, end: number, oldEnd: number): void {
    const old = this.#previous.slice(start, oldEnd)
    if (start === end || !old.some(isObject)) return
    const match = this.#own.used
      ? align(old, this.#values.slice(start, end))
      : new Int32Array(end - start).fill(-1)
    for (const { from, remove, to, insert } of gaps(match, old.length)) {
      this.#alignByContent(old.slice(from, from + remove), start + to, start + to + insert)
    }
  }

  /** Puts previous objects in the place of equal ones, and lets the rest share what it can with its neighbours. */
  #alignByContent(old: List, start: number, end: number): void {
    if (old.length === 0 || start === end) return
    const labels = new Labels()
    const before = old.map(value => labels.of(value))
    const known = labels.size
    const after = this.#values.slice(start, end).map(value => labels.of(value))
    const match = align(before, after)
    for (let to = 0; to < after.length; to++) {
      if (match[to]! >= 0) this.#values[start + to] = old[match[to]!]
      else if (after[to]! < known) this.#values[start + to] = labels.first(after[to]!)
    }
    for (const { from, remove, to, insert } of gaps(match, old.length)) {
      for (let step = 0; step < Math.min(remove, insert); step++) {
        if (after[to + step]! >= known) this.#share(start + to + step, old[from + step])
      }
    }
  }

  #share(index: number, counterpart: unknown): void {
    this.#values[index] = this.#source.isolate(counterpart, this.#values[index])
  }
}

/** Tells which of the caller's elements are ones of the previous array that only moved. */
export class OwnElements {
  /** Whether there was any. */
  used = false
  readonly #elements: List
  #set: Set<unknown> | undefined

  constructor(elements: List) {
    this.#elements = elements
  }

  has(value: unknown): boolean {
    if (!isObject(value) || !Object.isFrozen(value)) return false
    this.#set ??= new Set(this.#elements)
    const found = this.#set.has(value)
    this.used ||= found
    return found
  }
}
