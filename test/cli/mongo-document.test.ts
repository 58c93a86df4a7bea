/** bson, MongoDB's own library, is the judge: what it reads out of a line is what the session was. */
import { BSON, EJSON } from 'bson'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mongoDocument } from '../../src/cli/mongo-document.ts'

const NEVER = Number.POSITIVE_INFINITY
const MIB = 1024 * 1024

/** Whatever a state may hold. */
const { state } = fc.letrec<{ state: unknown; object: object }>(tie => ({
  state: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.string(), fc.string({ unit: 'binary' })),
    { weight: 6, arbitrary: tie('object') },
    { weight: 2, arbitrary: fc.array(tie('state'), { maxLength: 4 }) },
    fc.constantFrom(
      'a\ud800b',
      '\u2028',
      '日本😀',
      -0,
      2 ** 53,
      -(2 ** 63),
      2 ** 31,
      -(2 ** 31) - 1,
      1e300,
      undefined,
    ),
    fc.double(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.constantFrom(2n ** 63n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) - 1n),
    fc.boolean(),
    fc.constant(null),
    fc.date(),
    fc.constantFrom(new Date(-1), new Date(253_402_300_800_000), new Date(8.64e15)),
    fc.uint8Array(),
    fc.constantFrom(new Map([[1, 2]]), new Set([1]), Object.create(null)),
  ),
  object: fc.dictionary(
    fc.oneof(
      { weight: 6, arbitrary: fc.string({ maxLength: 3 }) },
      fc.constantFrom('$set', 'a.b', 'n\0', '__proto__', '', '\ud800', '_id', 'é'),
    ),
    tie('state'),
    { maxKeys: 4 },
  ),
}))

/** Whether BSON has an exact value for it: what the export has to find out by itself. */
function holds(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value
  if (value === undefined) return false
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  if (Array.isArray(value)) return value.every(holds)
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.entries(value).every(
    ([key, each]) => key.isWellFormed() && !/^\$|\.|\0/.test(key) && holds(each),
  )
}

/** The values of BSON as those that they came from. */
function plain(value: unknown): unknown {
  if (value instanceof BSON.Binary) return new Uint8Array(value.buffer.subarray(0, value.position))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  const object = {}
  for (const [key, each] of Object.entries(value))
    Object.defineProperty(object, key, {
      value: plain(each),
      writable: true,
      enumerable: true,
      configurable: true,
    })
  return object
}

/** bson gives int64 as a number where it is safe, or else as a bigint. */
function longs(value: unknown): unknown {
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  if (Array.isArray(value)) return value.map(longs)
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return value
  const object = {}
  for (const [key, each] of Object.entries(value))
    Object.defineProperty(object, key, {
      value: longs(each),
      writable: true,
      enumerable: true,
      configurable: true,
    })
  return object
}

/** Through BSON's bytes, as mongoimport sends them and a driver reads them. */
function throughBson(json: string): { document: Record<string, unknown>; bytes: number } {
  const bytes = BSON.serialize(EJSON.parse(json, { relaxed: false }))
  return { document: BSON.deserialize(bytes, { useBigInt64: true }), bytes: bytes.length }
}

describe('a session as a document of MongoDB', () => {
  test('is what it was, or every value that it cannot hold is named', () => {
    let [exact, inexact] = [0, 0]
    fc.assert(
      fc.property(state, fc.integer({ min: 0, max: 4e12 }), (given, expiresAt) => {
        const made = mongoDocument('id', given, expiresAt)
        expect(made.inexact.length === 0, JSON.stringify(made.inexact)).toBe(holds(given))
        if (made.inexact.length > 0) return void inexact++
        exact++
        const { document, bytes } = throughBson(made.json)
        expect(document._id).toBe('id')
        expect(document.expires).toEqual(new Date(expiresAt))
        expect(longs(plain(document.session))).toStrictEqual(longs(given))
        expect(made.bytes).toBe(bytes)
      }),
      { numRuns: 3000 },
    )
    expect(Math.min(exact, inexact)).toBeGreaterThan(300)
  })

  test('says what is wrong where', () => {
    const given = {
      list: [1, new Map()],
      'a.b': 1,
      $in: { '~/': undefined },
      big: 2n ** 63n,
      text: '\udc00',
      when: new Date(Number.NaN),
    }
    expect(mongoDocument('id', given, NEVER).inexact).toEqual([
      { path: '/list/1', reason: 'a Map' },
      { path: '/a.b', reason: 'a key with a dot' },
      { path: '/$in', reason: 'a key that begins with $' },
      { path: '/$in/~0~1', reason: 'undefined' },
      { path: '/big', reason: 'a bigint beyond 64 bits' },
      { path: '/text', reason: 'a text with half a surrogate pair' },
      { path: '/when', reason: 'an invalid Date' },
    ])
    expect(mongoDocument('id', 1, 1e300).inexact).toMatchObject([{ path: '', reason: /expiry/ }])
    expect(mongoDocument('id', 1, 1e300, true).inexact).toHaveLength(1)
  })

  test('has no expires where it never ends', () => {
    expect(mongoDocument('é', { n: 1.5 }, NEVER).json).toBe('{"_id":"é","session":{"n":1.5}}')
  })

  test('writes each number as the kind that it is', () => {
    const numbers = [1, 2 ** 31, 2 ** 53, -0, Number.NaN, 1n, 1e-7]
    expect(mongoDocument('a', numbers, NEVER).json).toBe(
      '{"_id":"a","session":[1,2147483648,{"$numberDouble":"9007199254740992"},{"$numberDouble":"-0.0"},' +
        '{"$numberDouble":"NaN"},{"$numberLong":"1"},1e-7]}',
    )
  })

  test('writes a time as a date only where a date of four digits says it', () => {
    const times = [0, -1, 253_402_300_799_999, 253_402_300_800_000].map(ms => new Date(ms))
    expect(JSON.parse(mongoDocument('a', times, NEVER).json).session).toEqual([
      { $date: '1970-01-01T00:00:00.000Z' },
      { $date: { $numberLong: '-1' } },
      { $date: '9999-12-31T23:59:59.999Z' },
      { $date: { $numberLong: '253402300800000' } },
    ])
  })

  test('is no larger than the server takes, to the byte', () => {
    const empty = mongoDocument('a', { text: '' }, NEVER).bytes
    const text = 'x'.repeat(16 * MIB - empty)
    expect(mongoDocument('a', { text }, NEVER)).toMatchObject({ bytes: 16 * MIB, inexact: [] })
    expect(mongoDocument('a', { text: `${text}x` }, NEVER).inexact).toMatchObject([{ reason: /16 MiB/ }])
  })

  test('is no deeper than the server takes', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
    expect(mongoDocument('a', nested(99), NEVER).inexact).toEqual([])
    expect(mongoDocument('a', nested(100), NEVER).inexact).toMatchObject([{ reason: /levels/ }])
  })

  test('of the adapter of Express has its expiry in its cookie', () => {
    const expiresAt = Date.UTC(2080, 0, 1)
    const given = { cookie: { path: '/', expires: true }, user: 'ann' }
    const expires = '2080-01-01T00:00:00.000Z'
    const session = { cookie: { path: '/', expires }, user: 'ann' }
    expect(JSON.parse(mongoDocument('a', given, expiresAt).json)).toEqual({
      _id: 'a',
      session,
      expires: { $date: expires },
    })
    const text = JSON.parse(mongoDocument('a', given, expiresAt, true).json)
    expect(JSON.parse(text.session)).toEqual(session)
  })

  test('as text is what JSON brings back, or every value that it does not is named', () => {
    fc.assert(
      fc.property(state, given => {
        const { json, bytes, inexact } = mongoDocument('id', given, 5, true)
        if (inexact.length > 0) return
        const { document, bytes: size } = throughBson(json)
        expect(JSON.parse(document.session as string)).toStrictEqual(given)
        expect(bytes).toBe(size)
      }),
      { numRuns: 1000 },
    )
    const given = { a: [1n, new Date(0)], b: Number.NaN, $c: -0, 'd.e': '\ud800' }
    expect(mongoDocument('id', given, 5, true).inexact.map(({ path }) => path)).toEqual([
      '/a/0',
      '/a/1',
      '/b',
      '/$c',
    ])
  })
})
