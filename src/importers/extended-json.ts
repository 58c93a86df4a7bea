import { refused } from './foreign-session.ts'

type Members = Readonly<Record<string, unknown>>

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * What MongoDB Extended JSON v2, relaxed or canonical, says, as values that a state holds: int64 beyond the safe integers
 * becomes a bigint, binary data a Uint8Array. A type that no state has is refused with its path.
 * https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
 */
export function fromExtendedJson(json: unknown, path = ''): unknown {
  if (Array.isArray(json)) return json.map((each, index) => fromExtendedJson(each, `${path}/${index}`))
  if (typeof json !== 'object' || json === null) return json
  const members = json as Members
  const [type = ''] = Object.keys(members)
  if (type.startsWith('$')) return typedValue(type, members, path)
  const entries = Object.entries(members).map(([key, value]) => [
    key,
    fromExtendedJson(value, child(path, key)),
  ])
  return Object.fromEntries(entries)
}

function typedValue(type: string, members: Members, path: string): unknown {
  if (Object.keys(members).length !== 1) throw strange(type, path)
  const value = members[type]
  switch (type) {
    case '$numberInt':
    case '$numberLong':
      return integer(value, type, path)
    case '$numberDouble':
      return double(value, path)
    case '$date':
      return dateOf(value, path)
    case '$binary':
      return bytesOf(value, path)
  }
  throw strange(type, path)
}

function integer(value: unknown, type: string, path: string): number | bigint {
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) throw strange(type, path)
  const long = BigInt(value)
  if (long < INT64_MIN || long > INT64_MAX) throw strange(type, path)
  return Number.isSafeInteger(Number(long)) ? Number(long) : long
}

const NOT_FINITE = ['NaN', 'Infinity', '-Infinity']

function double(value: unknown, path: string): number {
  if (typeof value !== 'string') throw strange('$numberDouble', path)
  if (NOT_FINITE.includes(value) || /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value))
    return Number(value)
  throw strange('$numberDouble', path)
}

function dateOf(value: unknown, path: string): Date {
  const isLong = typeof value === 'object' && value !== null && Object.hasOwn(value, '$numberLong')
  const ms = isLong ? Number((value as Members).$numberLong) : Date.parse(String(value))
  const date = new Date(ms)
  if (!Number.isNaN(date.getTime()) && (isLong || typeof value === 'string')) return date
  throw strange('$date', path)
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

function bytesOf(value: unknown, path: string): Uint8Array {
  const { base64, subType } = (value ?? {}) as Members
  const isPlain = subType === '00' || subType === '0'
  if (typeof base64 === 'string' && BASE64.test(base64) && isPlain)
    return new Uint8Array(Buffer.from(base64, 'base64'))
  throw strange('$binary', path)
}

/** The JSON Pointer of a member. */
export function child(path: string, key: string): string {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function strange(type: string, path: string): Error {
  return refused(`${path || 'the document'} is a ${type} that no state can hold`, path)
}
