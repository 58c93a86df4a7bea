import { SessionlogError } from '../errors.ts'
import { adopt, freeze } from './freeze.ts'
import { child, childAt } from './pointer.ts'
import { define, isArray, isObject, kindOf, type Plain } from './values.ts'

/**
 * JSON for what a state may hold. What JSON lacks is an object whose one key is a tag; a user's own object
 * that could be taken for one stands inside `$escape`.
 *
 *     {"$date":"2024-02-29T12:00:00.000Z"}  null for an invalid Date    {"$bigint":"123"}
 *     {"$map":[[key,value],…]}  {"$set":[…]}  {"$bytes":"base64"}       {"$undefined":true}
 *     {"$number":"NaN"}  also "Infinity", "-Infinity", "-0"             {"$bare":{…}}  no prototype
 */
export function toTaggedJson(value: unknown): unknown {
  if (isObject(value)) return tagObject(value)
  if (value === undefined) return { $undefined: true }
  if (typeof value === 'bigint') return { $bigint: String(value) }
  if (typeof value === 'number' && !isJsonNumber(value)) {
    return { $number: Object.is(value, -0) ? '-0' : String(value) }
  }
  return value
}

/** The exact inverse of {@link toTaggedJson}, deeply frozen. A tag that is not one of ours is corruption. */
export function fromTaggedJson(json: unknown): unknown {
  return untag(json, '')
}

/** True where JSON alone brings a value back exactly. */
export function isPlainJson(value: unknown): boolean {
  if (!isObject(value))
    return value === null || typeof value === 'string' || typeof value === 'boolean' || isJsonNumber(value)
  const kind = kindOf(value)
  return (kind === 'object' || kind === 'array') && Object.values(value).every(isPlainJson)
}

/** A state as JSON text, indented by `indent` spaces if given. */
export function stringifyState(state: unknown, indent?: number): string {
  return JSON.stringify(toTaggedJson(state), undefined, indent)
}

/** The inverse of {@link stringifyState}, deeply frozen. */
export function parseState(text: string): unknown {
  try {
    return fromTaggedJson(JSON.parse(text))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new SessionlogError('SESSIONLOG_CORRUPTION', 'A state is not JSON', { cause, path: '' })
  }
}

function isJsonNumber(value: unknown): boolean {
  return Number.isFinite(value) && !Object.is(value, -0)
}

function tagObject(value: object): unknown {
  switch (kindOf(value)) {
    case 'array':
      return tagArray(value as readonly unknown[])
    case 'bare':
      return { $bare: tagMembers(value as Plain) }
    case 'date':
      return { $date: Number.isNaN((value as Date).getTime()) ? null : (value as Date).toISOString() }
    case 'map':
      return { $map: Array.from(value as Map<unknown, unknown>, tagArray) }
    case 'set':
      return { $set: Array.from(value as Set<unknown>, toTaggedJson) }
    case 'bytes':
      return { $bytes: Buffer.from(value as Uint8Array).toString('base64') }
  }
  const members = tagMembers(value as Plain)
  return tagOf(value) === undefined ? members : { $escape: members }
}

function tagArray(array: readonly unknown[]): readonly unknown[] {
  const tagged = array.map(toTaggedJson)
  return tagged.every((member, index) => member === array[index]) ? array : tagged
}

function tagMembers(object: Plain): Plain {
  let copy: Plain | undefined
  for (const [key, value] of Object.entries(object)) {
    const tagged = toTaggedJson(value)
    if (tagged === value) continue
    copy ??= { ...object }
    define(copy, key, tagged)
  }
  return copy ?? object
}

/** The one key of an object that reads like a tag. */
function tagOf(object: object): string | undefined {
  const keys = Object.keys(object)
  return keys.length === 1 && keys[0]!.startsWith('$') ? keys[0] : undefined
}

function untag(json: unknown, path: string): unknown {
  if (isArray(json)) return untagArray(json, path)
  if (!isObject(json)) return json
  const tag = tagOf(json)
  if (tag === undefined) return untagMembers(json as Plain, {}, path)
  const read = Object.hasOwn(TAGS, tag) ? TAGS[tag] : undefined
  if (read === undefined) throw malformed(path)
  return read((json as Plain)[tag], child(path, tag))
}

function untagArray(array: readonly unknown[], path: string): readonly unknown[] {
  return freeze(array.map((member, index) => untag(member, childAt(path, index))))
}

function untagMembers(json: Plain, into: Plain, path: string): Plain {
  for (const [key, value] of Object.entries(json)) define(into, key, untag(value, child(path, key)))
  return freeze(into)
}

const NUMBERS = new Map([NaN, Infinity, -Infinity].map(number => [String(number), number])).set('-0', -0)

/** How the inside of each tag is read. */
const TAGS: Record<string, (json: unknown, path: string) => unknown> = {
  $undefined: (json, path) => (json === true ? undefined : fail(path)),
  $number: (json, path) => NUMBERS.get(json as string) ?? fail(path),
  $bigint: (json, path) => (/^(0|-?[1-9]\d*)$/.test(text(json, path)) ? BigInt(json as string) : fail(path)),
  $date: (json, path) => adopt(json === null ? new Date(NaN) : date(text(json, path), path)),
  $bytes: (json, path) => adopt(bytes(text(json, path), path)),
  $map: (json, path) =>
    adopt(new Map(list(json, path).map((pair, index) => entry(pair, childAt(path, index))))),
  $set: (json, path) => adopt(new Set(untagArray(list(json, path), path))),
  $bare: (json, path) => untagMembers(plain(json, path), Object.create(null), path),
  $escape: (json, path) => (tagOf(plain(json, path)) ? untagMembers(json as Plain, {}, path) : fail(path)),
}

function date(iso: string, path: string): Date {
  const read = new Date(iso)
  return Number.isNaN(read.getTime()) || read.toISOString() !== iso ? fail(path) : read
}

function bytes(base64: string, path: string): Uint8Array {
  const read = Buffer.from(base64, 'base64')
  return read.toString('base64') === base64 ? new Uint8Array(read) : fail(path)
}

function entry(json: unknown, path: string): [unknown, unknown] {
  const pair = untagArray(list(json, path), path)
  return pair.length === 2 ? [pair[0], pair[1]] : fail(path)
}

function text(json: unknown, path: string): string {
  return typeof json === 'string' ? json : fail(path)
}

function list(json: unknown, path: string): readonly unknown[] {
  return isArray(json) ? json : fail(path)
}

function plain(json: unknown, path: string): Plain {
  return isObject(json) && !isArray(json) ? (json as Plain) : fail(path)
}

function fail(path: string): never {
  throw malformed(path)
}

function malformed(path: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `A tag of the JSON form is malformed at '${path}'`, {
    path,
  })
}
