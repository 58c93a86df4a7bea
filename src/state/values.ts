import { types } from 'node:util'

/** The same type, read-only all the way down. Date and Uint8Array cannot be made so: treat them as such. */
export type Immutable<T> = T extends string | number | boolean | bigint | symbol | null | undefined
  ? T
  : T extends Date | Uint8Array
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<Immutable<K>, Immutable<V>>
      : T extends ReadonlySet<infer M>
        ? ReadonlySet<Immutable<M>>
        : T extends object
          ? { readonly [Key in keyof T]: Immutable<T[Key]> }
          : T

/** An object made of own enumerable properties, with or without a prototype. */
export type Plain = Record<string, unknown>

/** The kinds of object that a state may hold. `bare` is an object without a prototype. */
export type Kind = 'object' | 'bare' | 'array' | 'date' | 'map' | 'set' | 'bytes'

/** What kind of object this is, whichever realm made it; `undefined` where a state may not hold it. */
export function kindOf(value: object): Kind | undefined {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return 'object'
  if (prototype === Array.prototype) return Array.isArray(value) ? 'array' : undefined
  if (prototype === null) return 'bare'
  return kindOfOther(value, prototype)
}

/** The kind of whatever may stand inside a state: `primitive` for all that is not an object. */
export function kindOfMember(value: unknown): Kind | 'primitive' | undefined {
  return isObject(value) ? kindOf(value) : 'primitive'
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** Sets an own property whatever its name: plain assignment to `__proto__` would set the prototype. */
export function define(object: Plain, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    object[key] = value
  }
}

/** An own property, or `undefined`: never one that is inherited. */
export function own(object: Plain, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** A new object without properties, with a prototype where `like` has one. */
export function emptyLike(like: object): Plain {
  return Object.getPrototypeOf(like) === null ? Object.create(null) : {}
}

/** A shallow copy that may be changed; of `__proto__` the property, never the setter. */
export function copyPlain(object: object): Plain {
  return Object.getPrototypeOf(object) === null ? Object.assign(Object.create(null), object) : { ...object }
}

/** A copy of the first `count` of an object's `keys`. */
export function copyFirst(object: Plain, keys: readonly string[], count: number): Plain {
  const copy = emptyLike(object)
  for (let index = 0; index < count; index++) define(copy, keys[index]!, object[keys[index]!])
  return copy
}

/** `array.slice(start, end)` for frozen arrays, which V8 slices a hundred times more slowly than it spreads them. */
export function slice<T>(array: readonly T[], start?: number, end?: number): T[] {
  return [...array].slice(start, end)
}

/**
 * The object itself, or a copy with the same properties. V8 keeps an object to which more than about a dozen
 * keys were added one by one as a hash table, slow to read and to list; one that is copied at once it does not.
 */
export function keepFast(object: Plain, size: number): Plain {
  return size > 12 ? copyPlain(object) : object
}

/** Keys that name an array index: JavaScript puts them first, in ascending order, whenever they were added. */
export function isIndex(key: string): boolean {
  const number = Number(key)
  return Number.isInteger(number) && number >= 0 && number < 2 ** 32 - 1 && String(number) === key
}

/** `Object.is`, in a form that is several times as fast on what states are mostly made of. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return a !== 0 || 1 / a === 1 / (b as number)
  return Number.isNaN(a) && Number.isNaN(b)
}

/** True where both are the same to the last bit: type, prototype, order of keys, `-0` and `NaN` told apart. */
export function equal(a: unknown, b: unknown): boolean {
  if (same(a, b)) return true
  if (!isObject(a) || !isObject(b)) return false
  const kind = kindOf(a)
  return kind !== undefined && kind === kindOf(b) && EQUAL[kind](a as never, b as never)
}

const EQUAL = {
  object: equalObjects,
  bare: equalObjects,
  array: equalLists,
  date: (a: Date, b: Date) => Object.is(a.getTime(), b.getTime()),
  map: (a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>) =>
    a.size === b.size && equalLists([...a.entries()].flat(), [...b.entries()].flat()),
  set: (a: ReadonlySet<unknown>, b: ReadonlySet<unknown>) => a.size === b.size && equalLists([...a], [...b]),
  bytes: (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0,
}

function equalObjects(a: Plain, b: Plain): boolean {
  const keys = Object.keys(a)
  const others = Object.keys(b)
  if (keys.length !== others.length) return false
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!
    if (key !== others[index] || !equal(a[key], b[key])) return false
  }
  return true
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (!equal(a[index], b[index])) return false
  return true
}

/** Buffers and what another realm made: the built-in's own prototype, not that of a class derived from it. */
function kindOfOther(value: object, prototype: object): Kind | undefined {
  if (types.isUint8Array(value)) return isBytes(prototype) ? 'bytes' : undefined
  const root = Object.getPrototypeOf(prototype)
  if (root === null) return Object.hasOwn(prototype, 'isPrototypeOf') ? 'object' : undefined
  if (Object.getPrototypeOf(root) !== null) return undefined
  if (Array.isArray(value)) return Object.hasOwn(prototype, 'findLast') ? 'array' : undefined
  if (types.isDate(value)) return 'date'
  if (types.isMap(value)) return 'map'
  return types.isSet(value) ? 'set' : undefined
}

function isBytes(prototype: object): boolean {
  return prototype === Buffer.prototype || Object.hasOwn(prototype, 'BYTES_PER_ELEMENT')
}
