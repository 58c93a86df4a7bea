import { align, gaps } from './align.ts'
import { Labels } from './label.ts'
import { Refusal } from './refusal.ts'
import { isObject, same, slice } from './values.ts'

type List = readonly unknown[]

export interface Isolator {
  /** Isolates one value, sharing what it can with the one it is compared with. */
  isolate(counterpart: unknown, value: unknown): unknown
}

/**
 * The elements of `next`, isolated; `previous` itself where they are all its own. Arrays of one length are
 * compared in place, and aligned only where hardly anything stayed there.
 */
export function isolateElements(previous: List, next: List, isolator: Isolator): List {
  if (previous.length !== next.length) return new Elements(previous, next, isolator).fromBothEnds()
  for (let index = 0; index < next.length; index++) {
    const value = isolateElement(previous[index], next, index, isolator)
    if (!same(value, previous[index])) return new Elements(previous, next, isolator).inPlace(index, value)
  }
  return previous
}

function isolateElement(
  counterpart: unknown,
  next: List,
  index: number,
  isolator: Isolator,
  moved?: Moved,
): unknown {
  try {
    const value = next[index]
    if (value === undefined && !(index in next)) throw new Refusal('an array with holes')
    return value !== counterpart && moved?.has(value) ? value : isolator.isolate(counterpart, value)
  } catch (error) {
    throw Refusal.from(error).within(next, index)
  }
}

/** The elements of an array that differs from the previous one. */
class Elements {
  readonly #previous: List
  readonly #next: List
  readonly #isolator: Isolator
  readonly #moved: Moved
  readonly #values: unknown[]

  constructor(previous: List, next: List, isolator: Isolator) {
    this.#previous = previous
    this.#next = next
    this.#isolator = isolator
    this.#moved = new Moved(previous)
    this.#values = slice(previous, 0, next.length)
  }

  inPlace(start: number, first: unknown): List {
    this.#values[start] = first
    let changed = 1
    let end = start + 1
    for (let index = end; index < this.#next.length; index++) {
      if (this.#isolate(index, this.#previous[index])) continue
      changed++
      end = index + 1
    }
    if (changed > 1 && changed * 2 > end - start) this.#align(start, end, end)
    return this.#values
  }

  /** Compares from both ends and aligns what lies between. */
  fromBothEnds(): List {
    const shift = this.#previous.length - this.#next.length
    const common = Math.min(this.#previous.length, this.#next.length)
    this.#values.length = this.#next.length
    let start = 0
    while (start < common && this.#isolate(start, this.#previous[start])) start++
    const read = Math.min(start + 1, common)
    let end = this.#next.length
    let unread = end
    while (end > read && end + shift > start) {
      unread = end - 1
      if (!this.#isolate(unread, this.#previous[unread + shift])) break
      end = unread
    }
    for (let index = read; index < unread; index++) this.#isolate(index, undefined)
    this.#align(start, end, end + shift)
    return this.#values
  }

  /** True where an element is its counterpart. */
  #isolate(index: number, counterpart: unknown): boolean {
    const value = isolateElement(counterpart, this.#next, index, this.#isolator, this.#moved)
    this.#values[index] = value
    return same(value, counterpart)
  }

  /** Elements that only moved are matched as objects, then the others with what is left in each gap. */
  #align(start: number, end: number, oldEnd: number): void {
    const old = slice(this.#previous, start, oldEnd)
    if (start === end || !old.some(isObject)) return
    const elements = this.#values.slice(start, end)
    const match = this.#moved.any ? align(old, elements) : new Int32Array(elements.length).fill(-1)
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
    this.#values[index] = this.#isolator.isolate(counterpart, this.#values[index])
  }
}

/** Tells which of the caller's elements are ones of the previous array, ours and frozen, in another place. */
class Moved {
  any = false
  readonly #elements: List
  #set: Set<unknown> | undefined

  constructor(elements: List) {
    this.#elements = elements
  }

  has(value: unknown): boolean {
    if (!isObject(value) || !Object.isFrozen(value)) return false
    this.#set ??= new Set(this.#elements)
    const found = this.#set.has(value)
    this.any ||= found
    return found
  }
}
