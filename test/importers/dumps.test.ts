/** Dumps as mongoexport and a few lines of Node.js write them; bson is the judge of Extended JSON. */
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Binary, EJSON } from 'bson'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromExtendedJson } from '../../src/importers/extended-json.ts'
import { importSessions } from '../../src/importers/import-sessions.ts'
import { inexactInteger } from '../../src/importers/json-integers.ts'
import { all, ndjson } from '../cli/cli.ts'
import { create, temporary } from '../support/store.ts'

const EXPIRES = Date.UTC(2080, 0, 1)
const cookie = { originalMaxAge: 1000, expires: new Date(EXPIRES).toISOString(), httpOnly: true, path: '/' }

/** As it is recorded: the session's own expiry says when it ends. */
const recorded = { ...cookie, expires: true }

const dump = (text: string) => Readable.from([Buffer.from(text)])

describe('a dump of connect-mongo', () => {
  /** Documents as connect-mongo keeps them: JSON text, and with `stringify: false` a document whose cookie has a Date. */
  const documents = [
    { _id: 'text', expires: new Date(EXPIRES), session: JSON.stringify({ cookie, user: 'ann' }) },
    {
      _id: 'document',
      expires: new Date(EXPIRES),
      lastModified: new Date(1e12),
      session: {
        cookie: { ...cookie, expires: new Date(EXPIRES) },
        user: 'ann',
        big: 2 ** 40,
        at: new Date(5),
        half: 0.5,
      },
    },
    { _id: 'forever', session: { cookie: { path: '/' } } },
    { _id: 'cookie', session: { cookie } },
  ]

  test.each([
    ['relaxed', true],
    ['canonical', false],
  ])('%s gives the same sessions', async (_, relaxed) => {
    const lines = documents.map(each => EJSON.stringify(each, { relaxed }))
    const text = lines.join('\n')
    const store = await create()
    const report = await importSessions({ store, from: 'connect-mongo', source: dump(text) })
    expect(report).toMatchObject({ imported: 4, problems: [] })
    expect(store.get('text')).toEqual({ cookie: recorded, user: 'ann' })
    expect(store.get('document')).toEqual({
      cookie: recorded,
      user: 'ann',
      big: 2 ** 40,
      at: new Date(5),
      half: 0.5,
    })
    const [event] = await all(store.history('document'))
    expect(event).toMatchObject({ occurredAt: 1e12, expiresAt: EXPIRES, data: { from: 'connect-mongo' } })
    const [forever] = await all(store.history('forever'))
    expect(forever!.expiresAt).toBe(Number.POSITIVE_INFINITY)
    const [withCookie] = await all(store.history('cookie'))
    expect(withCookie!.expiresAt).toBe(EXPIRES)
  })

  test('is read as an array too, as --jsonArray writes it', async () => {
    const lines = documents.map(each => EJSON.stringify(each, { relaxed: false }))
    for (const text of [`[${lines.join(',\n')}]\n`, `[\n${lines.join(',\n')}\n]`]) {
      const store = await create()
      const report = await importSessions({ store, from: 'connect-mongo', source: dump(text) })
      expect(report).toMatchObject({ records: 4, imported: 4 })
    }
  })

  test.each([
    ['an _id that is no text', '{"_id":{"$oid":"507f1f77bcf86cd799439011"},"session":"{\\"cookie\\":{}}"}'],
    ['an integer that JSON.parse would change', '{"_id":"a","session":{"cookie":{},"n":9007199254740993}}'],
    [
      'a type that JavaScript has no value for',
      '{"_id":"a","session":{"cookie":{},"n":{"$numberDecimal":"1.1"}}}',
    ],
    ['a bigint', '{"_id":"a","session":{"cookie":{},"n":{"$numberLong":"9007199254740993"}}}'],
    ['NaN', '{"_id":"a","session":{"cookie":{},"n":[{"$numberDouble":"NaN"}]}}'],
    ['bytes', '{"_id":"a","session":{"cookie":{},"n":{"$binary":{"base64":"","subType":"00"}}}}'],
    ['a type within a type', '{"_id":"a","session":{"cookie":{},"n":{"$date":{"$numberLong":"x"}}}}'],
    ['an expiry that is no time', '{"_id":"a","expires":{"$date":"soon"},"session":"{\\"cookie\\":{}}"}'],
    ['an encrypted session', '{"_id":"a","session":"{\\"hmac\\":\\"\\",\\"ct\\":\\"\\",\\"iv\\":\\"\\"}"}'],
    ['no session', '{"_id":"a"}'],
  ])('%s is refused', async (_, line) => {
    const store = await create()
    const report = await importSessions({ store, from: 'connect-mongo', source: dump(line) })
    expect(report).toMatchObject({ imported: 0, refused: 1 })
    expect(store.size).toBe(0)
  })

  test('what bson writes is read as the value that it was', () => {
    const key = fc.string().filter(each => !each.startsWith('$') && each.isWellFormed())
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        fc.string().filter(each => each.isWellFormed()),
        // bson itself rounds the digits of whole numbers beyond the safe ones, and writes -0 as 0.
        fc.double().filter(each => !Number.isInteger(each) || (Number.isSafeInteger(each) && each !== 0)),
        fc.integer(),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.date({ noInvalidDate: true }),
        fc.uint8Array(),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(key, tie('any'), { maxKeys: 4 }),
      ),
    })).any
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.boolean(), (given, relaxed) => {
        const text = EJSON.stringify(binary(given), { relaxed })
        expect(inexactInteger(text)).toBeUndefined()
        expect(fromExtendedJson(JSON.parse(text))).toEqual(given)
      }),
      { numRuns: 500 },
    )
  })

  /** Bytes as BSON's own type, which EJSON knows. */
  function binary(value: unknown): unknown {
    if (value instanceof Uint8Array) return new Binary(value)
    if (Array.isArray(value)) return value.map(binary)
    if (typeof value !== 'object' || value === null || value instanceof Date) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, binary(each)]))
  }
})

test('integers are looked for outside of texts only', () => {
  expect(
    inexactInteger('{"a":"9007199254740993","b\\"9007199254740993":1,"c":9007199254740992}'),
  ).toBeUndefined()
  expect(inexactInteger('{"a":"\\\\","b":[-9007199254740993]}')).toBe('-9007199254740993')
  expect(inexactInteger('{"a":1.00000000000000001,"b":90071992547409930e0}')).toBeUndefined()
})

test('a cookie is recorded as the adapter does: without a second expiry, and without one where it has none', async () => {
  const store = await create()
  const lines = [
    { _id: 'fastify', session: { cookie: { ...cookie, originalExpires: cookie.expires } } },
    { _id: 'browser', session: { cookie: { path: '/', expires: null } } },
  ]
  await importSessions({ store, from: 'connect-mongo', source: dump(ndjson(...lines)) })
  expect(store.get('fastify')).toEqual({ cookie: recorded })
  expect(store.get('browser')).toEqual({ cookie: { path: '/', expires: null } })
})

test('an int64 beyond the safe integers is a bigint', () => {
  const text = EJSON.stringify({ n: 2n ** 60n }, { relaxed: false })
  expect(fromExtendedJson(JSON.parse(text))).toEqual({ n: 2n ** 60n })
})

describe('a dump of connect-redis', () => {
  const value = JSON.stringify({ cookie, user: 'ann' })

  test.each([
    ['expiresAt', { expiresAt: EXPIRES }, EXPIRES],
    ['expiresAt as text', { expiresAt: String(EXPIRES) }, EXPIRES],
    ['pttl', { pttl: 5_000 }, 'taken + 5000'],
    ['ttl', { ttl: 5 }, 'taken + 5000'],
    ['a ttl of -1, and its cookie,', { ttl: -1 }, EXPIRES],
    ['an expiresAt of -1, and its cookie,', { expiresAt: -1 }, EXPIRES],
  ])('%s says when it ends; what is left counts from when the file was written', async (_, said, expected) => {
    const path = join(temporary(), 'dump.ndjson')
    writeFileSync(path, ndjson({ key: 'app:a', value, ...said }))
    const taken = Math.floor(Date.now() / 1000) - 2
    utimesSync(path, taken, taken)
    const store = await create()
    await importSessions({ store, from: 'connect-redis', source: path, prefix: 'app:' })
    const [event] = await all(store.history('a'))
    expect(event!.expiresAt).toBe(typeof expected === 'string' ? taken * 1000 + 5000 : expected)
    expect(store.get('a')).toEqual({ cookie: recorded, user: 'ann' })
  })
})
