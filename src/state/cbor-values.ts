import { Encoder, Tag } from 'cbor-x'
import { SessionlogError } from '../errors.ts'
import { adopt, freeze } from './freeze.ts'
import { define, isObject, kindOf, type Plain } from './values.ts'

/**
 * CBOR for what a state may hold, by one kept encoder. Most values have a form of their own in CBOR (Date is
 * tag 1, Set 258, Map 259, a bigint of up to 64 bits an eight-byte integer). The rest are in these tags:
 */
const TAG = {
  /** -0. Holds 0. */
  negativeZero: 41_001,
  /** A string that is not well-formed Unicode. Holds its UTF-16 code units, little-endian, as bytes. */
  utf16: 41_002,
  /** A bigint of more than 64 bits. Holds it in hexadecimal digits, after a minus sign where negative. */
  bigint: 41_003,
  /** A Date so far off that seconds as a float do not bring it back. Holds its milliseconds. */
  date: 41_004,
  /** An object with keys that a map cannot hold safely. Holds a list of keys and values in turn. */
  entries: 41_005,
  /** An object without a prototype. Holds the object. */
  bare: 41_006,
  /** What lies too many levels down for the decoder's stack. Holds its CBOR as bytes, as RFC 8949 has it. */
  embedded: 24,
} as const

/** The decoder takes up to three calls for a level; at this many the rest is embedded. */
const LEVELS_MAX = 200

const encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false })

/** A state, or anything made of what a state may hold, as bytes. */
export function encodeValue(value: unknown): Buffer {
  return encoder.encode(toCbor(value))
}

/** The inverse of {@link encodeValue}, deeply frozen, sharing no memory with the bytes. */
export function decodeValue(bytes: Uint8Array): unknown {
  return fromCbor(decodeCbor(bytes))
}

/** The bytes of what {@link toCbor} answered with, or of parts put together from it. */
export function encodeCbor(value: unknown): Buffer {
  return encoder.encode(value)
}

/** What {@link fromCbor} takes; its bytes lie in those given. */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return encoder.decode(bytes)
  } catch (cause) {
    throw new SessionlogError('SESSIONLOG_CORRUPTION', 'Bytes are not CBOR', { cause })
  }
}

/** The same, but undefined where the bytes are not one item with none left over. */
export function tryDecodeCbor(bytes: Uint8Array): unknown {
  try {
    return encoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** What the encoder encodes exactly: the same value, unless something in it needs a tag. */
export function toCbor(value: unknown): unknown {
  return prepare(value, LEVELS_MAX)
}

/** The inverse of {@link toCbor}, deeply frozen. Takes over what the decoder made, which is changed on the way. */
export function fromCbor(decoded: unknown): unknown {
  if (!isObject(decoded)) return decoded
  if (decoded instanceof Tag) return untag(decoded)
  switch (kindOf(decoded)) {
    case 'array':
      return listFromCbor(decoded as unknown[])
    case 'object':
      return plainFromCbor(decoded as Plain)
    case 'date':
      return adopt(decoded as Date)
    case 'bytes':
      return adopt(new Uint8Array(decoded as Uint8Array))
    case 'map':
      return mapFromCbor(decoded as Map<unknown, unknown>)
    case 'set':
      return adopt(new Set(listFromCbor([...(decoded as Set<unknown>)])))
  }
  throw corrupted()
}

function prepare(value: unknown, levels: number): unknown {
  if (!isObject(value)) return preparePrimitive(value)
  if (levels === 0) return new Tag(encodeValue(value), TAG.embedded)
  switch (kindOf(value)) {
    case 'array':
      return prepareList(value as readonly unknown[], levels - 1)
    case 'bare':
      return new Tag(preparePlain({ ...value }, levels - 1), TAG.bare)
    case 'date':
      return prepareDate(value as Date)
    case 'map':
      return prepareMap(value as Map<unknown, unknown>, levels - 1)
    case 'set':
      return new Set(prepareList([...(value as Set<unknown>)], levels - 1))
    case 'bytes':
      return value
  }
  return preparePlain(value as Plain, levels - 1)
}

function preparePrimitive(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : new Tag(Buffer.from(value, 'utf16le'), TAG.utf16)
    case 'number':
      return Object.is(value, -0) ? new Tag(0, TAG.negativeZero) : value
    case 'bigint':
      return isShort(value) ? value : new Tag(value.toString(16), TAG.bigint)
  }
  return value
}

function prepareList(list: readonly unknown[], levels: number): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    const member = prepare(list[index], levels)
    if (Object.is(member, list[index])) continue
    copy ??= [...list]
    copy[index] = member
  }
  return copy ?? list
}

function preparePlain(object: Plain, levels: number): unknown {
  let copy: Plain | undefined
  for (const key of Object.keys(object)) {
    if (key === '__proto__' || !key.isWellFormed()) return prepareEntries(object, levels)
    const member = prepare(object[key], levels)
    if (Object.is(member, object[key])) continue
    copy ??= { ...object }
    copy[key] = member
  }
  return copy ?? object
}

function prepareEntries(object: Plain, levels: number): Tag {
  return new Tag(prepareList(Object.entries(object).flat(), levels), TAG.entries)
}

function prepareMap(map: ReadonlyMap<unknown, unknown>, levels: number): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>()
  for (const [key, value] of map) copy.set(prepare(key, levels), prepare(value, levels))
  return copy
}

function prepareDate(date: Date): unknown {
  const time = date.getTime()
  return Object.is(Math.round((time / 1_000) * 1_000), time) ? date : new Tag(time, TAG.date)
}

/** True where eight bytes of CBOR hold it. */
function isShort(value: bigint): boolean {
  const magnitude = value < 0n ? ~value : value
  return BigInt.asUintN(64, magnitude) === magnitude
}

function listFromCbor(list: unknown[]): readonly unknown[] {
  for (let index = 0; index < list.length; index++) {
    const member = list[index]
    if (isObject(member)) list[index] = fromCbor(member)
  }
  return freeze(list)
}

function plainFromCbor(object: Plain): Plain {
  for (const key of Object.keys(object)) {
    const member = object[key]
    if (isObject(member)) object[key] = fromCbor(member)
  }
  return freeze(object)
}

function mapFromCbor(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>()
  for (const [key, value] of map) copy.set(fromCbor(key), fromCbor(value))
  return adopt(copy)
}

function untag(tag: Tag): unknown {
  const value = fromCbor(tag.value)
  switch (tag.tag) {
    case TAG.embedded:
      return decodeValue(bytesOf(value))
    case TAG.negativeZero:
      return -0
    case TAG.utf16:
      return bytesOf(value).toString('utf16le')
    case TAG.bigint:
      return bigintOf(value)
    case TAG.date:
      return adopt(new Date(value as number))
    case TAG.entries:
      return plainFromEntries(value)
    case TAG.bare:
      return freeze(Object.assign(Object.create(null), value))
  }
  throw corrupted()
}

function bytesOf(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value)
  throw corrupted()
}

function bigintOf(value: unknown): bigint {
  const digits = typeof value === 'string' ? /^(-?)([0-9a-f]+)$/.exec(value) : null
  if (digits === null) throw corrupted()
  const magnitude = BigInt(`0x${digits[2]}`)
  return digits[1] === '-' ? -magnitude : magnitude
}

function plainFromEntries(list: unknown): Plain {
  if (!Array.isArray(list) || list.length % 2 > 0) throw corrupted()
  const object: Plain = {}
  for (let index = 0; index < list.length; index += 2) define(object, list[index] as string, list[index + 1])
  return freeze(object)
}

function corrupted(): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', 'A value holds a tag that is not one of ours')
}
