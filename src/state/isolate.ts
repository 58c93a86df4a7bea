import { Alignment } from './alignment.ts'
import type { Edits } from './edits.ts'
import { adopt, type Exotic, freeze } from './freeze.ts'
import { checkExotic, checkNames, copyOnce, describe, elementAt, isPolluted } from './inspection.ts'
import { Refusal } from './refusal.ts'
import {
  copyFirst,
  copyPlain,
  define,
  equal,
  isObject,
  type Kind,
  keepFast,
  kindOf,
  own,
  type Plain,
  same,
} from './values.ts'

/** Containers inside one another. */
const DEPTH_MAX = 1_000
/** What one call may copy, roughly in bytes: objects that share subtrees can unfold without end. */
const COPY_BYTES_MAX = 256 * 1024 * 1024
/** Looking for names among the elements of a longer array would cost more than copying it. */
const NAMED_LENGTH_MAX = 64

type List = readonly unknown[]

/**
 * A deeply frozen copy of `next` in which everything equal to its counterpart in `previous` is that very
 * object. Each property of `next` is read once; nothing of `next` is kept. `previous` must come from here.
 * Objects that only had values changed are noted in `edits`.
 */
export function isolate(previous: unknown, next: unknown, edits?: Edits): unknown {
  try {
    if (next === undefined) throw new Refusal('undefined as the whole state')
    return new Isolation(edits).isolate(previous, next)
  } catch (error) {
    throw Refusal.from(error).toError('SESSIONLOG_INVALID_STATE')
  }
}

/**
 * One walk over a caller's value, with what is left of its limits. Few calls lie between a container and the
 * one inside it, so that a thousand levels fit on any stack.
 */
class Isolation {
  #bytes = COPY_BYTES_MAX
  #depth = 0
  readonly #polluted = isPolluted()
  readonly #edits: Edits | undefined

  constructor(edits: Edits | undefined) {
    this.#edits = edits
  }

  isolate(previous: unknown, next: unknown): unknown {
    if (!isObject(next)) return same(previous, next) ? previous : this.#primitive(next)
    if (next === previous) return previous
    const kind = kindOf(next)
    if (kind === undefined) throw new Refusal(describe(next))
    if (this.#depth === DEPTH_MAX) throw new Refusal(`more than ${DEPTH_MAX} levels`)
    this.#depth++
    const counterpart = isObject(previous) && kindOf(previous) === kind ? previous : undefined
    const isolated = this.#container(counterpart, next, kind)
    this.#depth--
    // Members of a Map or Set are compared as content, whole: it stays the same object only if nothing changed.
    if (kind === 'object' || kind === 'array' || kind === 'bare') return isolated
    return equal(counterpart, isolated) ? counterpart : adopt(isolated as Exotic)
  }

  #container(previous: object | undefined, next: object, kind: Kind): object {
    switch (kind) {
      case 'object':
      case 'bare':
        return previous === undefined
          ? this.#newObject(next as Plain)
          : this.#object(previous as Plain, next as Plain)
      case 'array':
        return previous === undefined
          ? this.#newArray(next as List)
          : this.#array(previous as List, next as List)
      case 'map':
        return this.#map(next as Map<unknown, unknown>)
      case 'set':
        return this.#set(next as Set<unknown>)
      case 'bytes':
        return this.#bytesOf(next as Uint8Array)
    }
    checkExotic(next, 'Date')
    return new Date(Date.prototype.getTime.call(next))
  }

  #primitive(next: unknown): unknown {
    if (typeof next === 'function' || typeof next === 'symbol') throw new Refusal(`a ${typeof next}`)
    if (typeof next === 'string') this.#spend(next.length)
    if (typeof next === 'bigint') this.#spend(next.toString(16).length)
    return next
  }

  /** Copied at once and then gone through: V8 lays such a copy out in one piece, as the original is. */
  #newObject(next: Plain): Plain {
    checkNames(next)
    const copy = copyOnce(next)
    let count = 0
    let at = ''
    try {
      for (const key in copy) {
        if (this.#polluted && !Object.hasOwn(copy, key)) continue
        at = key
        count++
        const given = copy[key]
        const value = this.isolate(undefined, given)
        if (value !== given) define(copy, key, value)
      }
    } catch (error) {
      throw Refusal.from(error).within(next, at)
    }
    this.#spend(32 * count + 64)
    return freeze(copy)
  }

  /** Compares key by key. A copy is made at the first difference; while keys are in place it has all the old ones. */
  #object(previous: Plain, next: Plain): Plain {
    checkNames(next)
    const old = Object.keys(previous)
    let copy: Plain | undefined
    let inPlace = true
    let count = 0
    let at = ''
    let changed: string[] | undefined
    try {
      for (const key in next) {
        if (this.#polluted && !Object.hasOwn(next, key)) continue
        at = key
        if (inPlace && key !== old[count]) {
          copy = copyFirst(copy ?? previous, old, count)
          inPlace = false
        }
        count++
        const counterpart = inPlace ? previous[key] : own(previous, key)
        const given = next[key]
        if (inPlace && given === counterpart && given !== 0) continue
        const value = this.isolate(counterpart, given)
        if (inPlace && same(value, counterpart)) continue
        copy ??= copyPlain(previous)
        if (inPlace && changed?.push(key) === undefined) changed = [key]
        define(copy, key, value)
      }
    } catch (error) {
      throw Refusal.from(error).within(next, at)
    }
    if (inPlace && count < old.length) {
      copy = copyFirst(copy ?? previous, old, count)
      inPlace = false
    }
    if (copy === undefined) return previous
    this.#spend(32 * count + 64)
    const value = freeze(keepFast(copy, count))
    if (inPlace) this.#edits?.add({ previous, value, keys: changed!, stayed: changed!.length < count })
    return value
  }

  #newArray(next: List): List {
    const elements: unknown[] = []
    try {
      for (let index = 0; index < next.length; index++)
        elements.push(this.isolate(undefined, elementAt(next, index)))
    } catch (error) {
      throw Refusal.from(error).within(next, elements.length)
    }
    this.#checkArray(next)
    // A copy, because an array that grew keeps room to grow further.
    return freeze(elements.slice())
  }

  /** Compares element by element. An alignment takes over at the first difference. */
  #array(previous: List, next: List): List {
    let alignment: Alignment | undefined
    let index = 0
    try {
      for (; index < next.length; index++) {
        const given = elementAt(next, index)
        const expected = alignment === undefined ? previous[index] : alignment.expected
        const value = given !== expected && alignment?.owns(given) ? given : this.isolate(expected, given)
        if (alignment === undefined) {
          if (index < previous.length && same(value, expected)) continue
          alignment = new Alignment(previous, next.length, index)
        }
        alignment.add(value)
      }
    } catch (error) {
      throw Refusal.from(error).within(next, index)
    }
    if (alignment === undefined && previous.length === next.length) return previous
    this.#checkArray(next)
    return freeze((alignment ?? new Alignment(previous, next.length, next.length)).finish())
  }

  #checkArray(next: List): void {
    this.#spend(16 * next.length + 64)
    if (next.length <= NAMED_LENGTH_MAX && Object.keys(next).length > next.length) {
      throw new Refusal('an array with named properties')
    }
  }

  #map(next: Map<unknown, unknown>): Map<unknown, unknown> {
    checkExotic(next, 'Map')
    const entries = [...Map.prototype.entries.call(next)]
    const copy = new Map<unknown, unknown>()
    this.#spend(32 * entries.length)
    let index = 0
    let side = 0
    try {
      for (; index < entries.length; index++) {
        side = 0
        const key = this.isolate(undefined, entries[index]![0])
        side = 1
        copy.set(key, this.isolate(undefined, entries[index]![1]))
      }
    } catch (error) {
      throw Refusal.from(error).within(entries, side).within(next, index)
    }
    return copy
  }

  #set(next: Set<unknown>): Set<unknown> {
    checkExotic(next, 'Set')
    const members = [...Set.prototype.values.call(next)]
    const copy = new Set<unknown>()
    this.#spend(16 * members.length)
    let index = 0
    try {
      for (; index < members.length; index++) copy.add(this.isolate(undefined, members[index]))
    } catch (error) {
      throw Refusal.from(error).within(next, index)
    }
    return copy
  }

  #bytesOf(next: Uint8Array): Uint8Array {
    this.#spend(next.length)
    return new Uint8Array(next)
  }

  #spend(bytes: number): void {
    this.#bytes -= bytes
    if (this.#bytes < 0) throw new Refusal(`more than ${COPY_BYTES_MAX} bytes`)
  }
}
