import { ContentIndex } from './content-index.ts'
import { equal, isObject, same } from './values.ts'

type List = readonly unknown[]

/**
 * Finds out, as the elements of a changed array come in, which of them are elements of the previous array.
 * It expects them in the old order, with elements put in, left out or replaced here and there; what it misses
 * that way it looks for by content in the end.
 */
export class Alignment {
  readonly #old: List
  readonly #length: number
  /** The elements so far, then old ones not overwritten yet. */
  readonly #values: unknown[]
  #count: number
  /** The old element that is expected next, and those passed over on the way to it. */
  #expected: number
  readonly #skipped: number[] = []
  #missed = false
  /** Where new objects stand that were not found. */
  readonly #missing: number[] = []
  #places: Map<unknown, number> | undefined

  /** For an array of this length that begins with the first `start` elements of the old one. */
  constructor(old: List, length: number, start: number) {
    this.#old = old
    this.#length = length
    this.#values = [...old]
    this.#count = start
    this.#expected = start
  }

  /** What the next element is to be compared with. */
  get expected(): unknown {
    return this.#old[this.#expected]
  }

  /** True for an old element itself, ours and frozen, wherever it stood: it need not be looked into. */
  owns(value: unknown): boolean {
    if (!isObject(value) || !Object.isFrozen(value)) return false
    this.#places ??= new Map(this.#old.map((element, place) => [element, place]))
    const place = this.#places.get(value)
    if (place !== undefined) this.#expected = place
    return place !== undefined
  }

  /** Takes the next element, isolated. */
  add(value: unknown): void {
    const place = this.#find(value)
    if (place < 0) this.#miss(value)
    else this.#meet(place)
    this.#missed = place < 0
    this.#count++
  }

  /** All elements. */
  finish(): List {
    this.#values.length = this.#length
    for (let place = this.#expected; place < this.#old.length; place++) this.#skipped.push(place)
    const replaced = this.#skipped.length === 1 && this.#skipped[0] === this.#missing[0]
    if (this.#skipped.length > 0 && this.#missing.length > 0 && !replaced) this.#findByContent()
    // A copy where the array grew, because one that did keeps room to grow further.
    return this.#length > this.#old.length ? this.#values.slice() : this.#values
  }

  /**
   * Looks in the expected place, in those beside it, and where it is if nothing changes from here on. A single
   * element that is new in an array of the same length has been replaced: then there is nothing to look for.
   */
  #find(value: unknown): number {
    const at = this.#expected
    if (at < this.#old.length && same(value, this.#old[at])) return at
    if (!this.#missed && this.#length === this.#old.length) return -1
    if (this.#isAt(at + 1, value)) return at + 1
    const fromEnd = this.#old.length - (this.#length - this.#count)
    if (fromEnd > at + 1 && this.#isAt(fromEnd, value)) return fromEnd
    return this.#skipped.at(-1) === at - 1 && this.#isAt(at - 1, value) ? at - 1 : -1
  }

  #isAt(place: number, value: unknown): boolean {
    return place < this.#old.length && equal(this.#old[place], value)
  }

  #meet(place: number): void {
    if (place < this.#expected) this.#skipped.pop()
    for (let skip = this.#expected; skip < place; skip++) this.#skipped.push(skip)
    this.#values[this.#count] = this.#old[place]
    this.#expected = place + 1
  }

  #miss(value: unknown): void {
    if (isObject(value)) this.#missing.push(this.#count)
    this.#values[this.#count] = value
    // With more to come than is left, the element was put in. Otherwise it took another one's place.
    if (this.#length - this.#count <= this.#old.length - this.#expected) this.#skipped.push(this.#expected++)
  }

  /** Elements that moved far, or of which many are gone in one place. */
  #findByContent(): void {
    const index = new ContentIndex()
    for (const place of this.#skipped) index.add(this.#old[place], place)
    for (const at of this.#missing) {
      const place = index.take(this.#values[at])
      if (place >= 0) this.#values[at] = this.#old[place]
    }
  }
}
