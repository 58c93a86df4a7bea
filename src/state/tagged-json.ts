import { SessionlogError } from '../errors.ts'
import { adopt, freeze } from './freeze.ts'
import { Refusal } from './refusal.ts'
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
  try {
    return untag(json)
  } catch (error) {
    throw Refusal.from(error).toError('SESSIONLOG_CORRUPTION')
  }
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
  return fromTaggedJson(parseJson(text))
}

/** The text of a state that is plain JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
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
      return { $map: tagEntries(value as Map<unknown, unknown>) }
    case 'set':
      return { $set: tagArray([...(value as Set<unknown>)]) }
    case 'bytes':
      return { $bytes: Buffer.from(value as Uint8Array).toString('base64') }
  }
  const members = tagMembers(value as Plain)
  return tagOf(value) === undefined ? members : { $escape: members }
}

function tagArray(array: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < array.length; index++) {
    const tagged = toTaggedJson(array[index])
    if (tagged === array[index]) continue
    copy ??= [...array]
    copy[index] = tagged
  }
  return copy ?? array
}

function tagEntries(map: ReadonlyMap<unknown, unknown>): unknown[] {
  const entries: unknown[] = []
  for (const entry of map) entries.push(tagArray(entry))
  return entries
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

function untag(json: unknown): unknown {
  if (isArray(json)) return freeze(untagList(json))
  if (!isObject(json)) return json
  const tag = tagOf(json)
  return tag === undefined ? untagMembers(json as Plain, {}) : untagTagged(json as Plain, tag)
}

function untagList(json: readonly unknown[]): unknown[] {
  const list: unknown[] = []
  try {
    for (let index = 0; index < json.length; index++) list.push(untag(json[index]))
  } catch (error) {
    throw Refusal.from(error).within(json, list.length)
  }
  return list
}

function untagMembers(json: Plain, object: Plain): Plain {
  let at = ''
  try {
    for (const key of Object.keys(json)) {
      at = key
      define(object, key, untag(json[key]))
    }
  } catch (error) {
    throw Refusal.from(error).within(json, at)
  }
  return freeze(object)
}

function untagEntries(json: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  let index = 0
  try {
    for (; index < json.length; index++) {
      const pair = json[index]
      if (!isArray(pair) || pair.length !== 2) throw new Refusal('a malformed tag')
      const [key, value] = untagList(pair)
      map.set(key, value)
    }
  } catch (error) {
    throw Refusal.from(error).within(json, index)
  }
  return map
}

const NUMBERS = new Map<unknown, number>([NaN, Infinity, -Infinity].map(number => [String(number), number]))
NUMBERS.set('-0', -0)

function untagTagged(json: Plain, tag: string): unknown {
  const inside = json[tag]
  try {
    if (isArray(inside)) {
      if (tag === '$map') return adopt(untagEntries(inside))
      if (tag === '$set') return adopt(new Set(untagList(inside)))
    } else if (isObject(inside)) {
      if (tag === '$bare') return untagMembers(inside as Plain, Object.create(null))
      if (tag === '$escape' && tagOf(inside) !== undefined) return untagMembers(inside as Plain, {})
    }
    return untagPrimitive(tag, inside)
  } catch (error) {
    throw Refusal.from(error).within(json, tag)
  }
}

function untagPrimitive(tag: string, inside: unknown): unknown {
  if (tag === '$undefined' && inside === true) return undefined
  if (tag === '$number' && NUMBERS.has(inside)) return NUMBERS.get(inside)
  if (tag === '$date' && inside === null) return adopt(new Date(NaN))
  if (typeof inside === 'string') {
    if (tag === '$bigint' && /^(0|-?[1-9]\d*)$/.test(inside)) return BigInt(inside)
    if (tag === '$date') return adopt(untagDate(inside))
    if (tag === '$bytes') return adopt(untagBytes(inside))
  }
  throw new Refusal('a malformed tag')
}

function untagDate(iso: string): Date {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso) throw new Refusal('a malformed date')
  return date
}

function untagBytes(base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw new Refusal('malformed bytes')
  return new Uint8Array(bytes)
}
