import { adopt, freeze } from './freeze.ts'
import { Elements, type OwnElements } from './isolate-elements.ts'
import { copyExotic } from './isolate-exotic.ts'
import { Refusal } from './refusal.ts'
import {
  copyPlain,
  define,
  emptyLike,
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
/** Looking for names among the elements of a longer array would cost more than comparing them. */
const NAMED_LENGTH_MAX = 64

type List = readonly unknown[]

/** What is left of the limits of one call. */
interface Room {
  bytes: number
  depth: number
}

/**
 * A deeply frozen copy of `next` in which everything equal to its counterpart in `previous` is that very
 * object. Each property of `next` is read once; nothing of `next` is kept. `previous` must come from here.
 */
export function isolate(previous: unknown, next: unknown): unknown {
  try {
    if (next === undefined) throw new Refusal('undefined as the whole state')
    return isolateValue(previous, next, { bytes: COPY_BYTES_MAX, depth: 0 })
  } catch (error) {
    throw Refusal.from(error).toError()
  }
}

function isolateValue(previous: unknown, next: unknown, room: Room): unknown {
  if (!isObject(next)) return same(previous, next) ? previous : checkPrimitive(next, room)
  if (next === previous) return previous
  const kind = kindOf(next)
  if (kind === undefined) throw new Refusal(describe(next))
  if (room.depth === DEPTH_MAX) throw new Refusal(`more than ${DEPTH_MAX} levels`)
  room.depth++
  const isolated = isolateObject(
    isObject(previous) && kindOf(previous) === kind ? previous : undefined,
    next,
    kind,
    room,
  )
  room.depth--
  return isolated
}

function checkPrimitive(next: unknown, room: Room): unknown {
  if (typeof next === 'string') spend(room, next.length)
  else if (typeof next === 'function' || typeof next === 'symbol') throw new Refusal(`a ${typeof next}`)
  else if (typeof next === 'bigint') spend(room, next.toString(16).length)
  return next
}

function isolateObject(previous: object | undefined, next: object, kind: Kind, room: Room): object {
  if (kind === 'object' || kind === 'bare')
    return isolateProperties(previous as Plain | undefined, next as Plain, room)
  if (kind === 'array') return isolateArray(previous as List | undefined, next as List, room)
  // Members are compared as content, whole: only an unchanged Map, Set, Date or Uint8Array stays the same object.
  if (kind === 'bytes') spend(room, (next as Uint8Array).length)
  const copy = copyExotic(next, kind, member => {
    spend(room, 16)
    return isolateValue(undefined, member, room)
  })
  return equal(previous, copy) ? previous! : adopt(copy)
}

/** Compares key by key. A copy is made at the first difference: while keys are in place it has all the old ones. */
function isolateProperties(previous: Plain | undefined, next: Plain, room: Room): Plain {
  if (Object.getOwnPropertySymbols(next).length > 0) throw new Refusal('an object with a symbol as key')
  const keys = Object.keys(next)
  const old = previous === undefined ? [] : Object.keys(previous)
  let copy = previous === undefined ? emptyLike(next) : undefined
  let inPlace = previous !== undefined
  let index = 0
  try {
    for (; index < keys.length; index++) {
      const key = keys[index]!
      if (inPlace && key !== old[index]) {
        copy = copyFirst(copy ?? previous!, old, index)
        inPlace = false
      }
      const counterpart = inPlace ? previous![key] : previous && own(previous, key)
      const value = isolateValue(counterpart, next[key], room)
      if (inPlace && same(value, counterpart)) continue
      copy ??= copyPlain(previous!)
      define(copy, key, value)
    }
  } catch (error) {
    throw Refusal.from(error).within(next, keys[index]!)
  }
  if (inPlace && keys.length < old.length) copy = copyFirst(copy ?? previous!, old, keys.length)
  if (copy === undefined) return previous!
  spend(room, 16 * keys.length + 16)
  return freeze(keepFast(copy, keys.length))
}

function copyFirst(object: Plain, keys: readonly string[], count: number): Plain {
  const copy = emptyLike(object)
  for (let index = 0; index < count; index++) define(copy, keys[index]!, object[keys[index]!])
  return copy
}

function isolateArray(previous: List | undefined, next: List, room: Room): List {
  const named = next.length <= NAMED_LENGTH_MAX && Object.keys(next).length > next.length
  if (named) throw new Refusal('an array with named properties')
  const elements = isolateElements(previous ?? [], next, room)
  if (elements === previous) return previous
  spend(room, 8 * elements.length + 16)
  return freeze(elements)
}

/** Compares element by element. The first difference leaves the rest to {@link Elements}. */
function isolateElements(previous: List, next: List, room: Room): List {
  const common = Math.min(previous.length, next.length)
  for (let index = 0; index < common; index++) {
    const value = isolateElement(previous[index], next, index, room)
    if (!same(value, previous[index])) return elementsOf(previous, next, room).from(index, value)
  }
  return previous.length === next.length ? previous : elementsOf(previous, next, room).from(common)
}

function elementsOf(previous: List, next: List, room: Room): Elements {
  return new Elements(previous, next.length, {
    isolateAt: (index, counterpart, own) => isolateElement(counterpart, next, index, room, own),
    isolate: (counterpart, value) => isolateValue(counterpart, value, room),
  })
}

function isolateElement(
  previous: unknown,
  next: List,
  index: number,
  room: Room,
  own?: OwnElements,
): unknown {
  try {
    const value = next[index]
    if (value === undefined && !(index in next)) throw new Refusal('an array with holes')
    return value !== previous && own?.has(value) ? value : isolateValue(previous, value, room)
  } catch (error) {
    throw Refusal.from(error).within(next, index)
  }
}

function spend(room: Room, bytes: number): void {
  room.bytes -= bytes
  if (room.bytes < 0) throw new Refusal(`more than ${COPY_BYTES_MAX} bytes`)
}

function describe(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class'
}
