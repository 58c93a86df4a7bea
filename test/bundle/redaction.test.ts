import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hide, type Mark, marks, placesOf } from '../../src/bundle/redaction.ts'
import { openBundle, type Redacted } from '../../src/index.ts'
import { spell } from '../state/exact.ts'
import { bundleOf, bundlePath } from '../support/bundles.ts'
import { collect } from '../support/outcome.ts'
import { create } from '../support/store.ts'

const SECRET = 'swordfish'

describe('redact', () => {
  test('hides a value wherever it is said, and leaves the rest as it was', async () => {
    const store = await create<unknown>()
    const user = { name: 'Ann', email: `${SECRET}@example.com`, keys: [{ secret: SECRET, id: 1 }] }
    await store.save('a', { user, n: 1 }, { data: { email: user.email }, actor: 'ann' })
    await store.save('a', { user, n: 2 }, { actor: 'ann' })
    await store.save('a', { user: { ...user, email: `x${user.email}` }, n: 2 })
    await store.save('a', { user: { ...user, keys: [{ secret: `2 ${SECRET}`, id: 2 }, ...user.keys] }, n: 3 })
    await store.save('a', { user: { ...user, keys: [] }, n: 4 })
    const text = `${SECRET} ${'long '.repeat(50)}`
    await store.save('a', { user: { ...user, keys: [] }, n: 4, text })
    await store.save('a', { user: { ...user, keys: [] }, n: 4, text: text + SECRET })
    const file = bundlePath()
    const redact = ['/user/email', '/user/keys/0/secret', '/text']
    const slips = ['/custmer', '/user/keys/0/id/x']
    expect(await store.exportBundle('a', { file, redact: [...redact, ...slips] })).toEqual({
      sessions: 1,
      events: 7,
      redacted: 5,
      unmatched: slips,
    })
    expect(gunzipSync(readFileSync(file)).includes(SECRET)).toBe(false)
    const bundle = await openBundle(file)
    expect(bundle.header.redacted).toEqual({ state: [...redact, ...slips], data: [''], facts: [] })
    expect(bundle.counts.redacted).toBe(5)
    const hidden = { $redacted: 'string', alias: expect.stringMatching(/^[0-9a-f]{16}$/) }
    expect(await bundle.stateAt('a', { version: 4 })).toEqual({
      n: 3,
      user: {
        name: 'Ann',
        email: hidden,
        keys: [
          { secret: hidden, id: 2 },
          { secret: hidden, id: 1 },
        ],
      },
    })
    expect(bundle.get('a')).toMatchObject({ n: 4, user: { email: hidden, keys: [] }, text: hidden })
    const [told, said] = [await collect(bundle.history('a')), await collect(store.history('a'))]
    expect(told.map(({ hash }) => hash)).toEqual(said.map(({ hash }) => hash))
    expect(told[0]!.data).toMatchObject({ $redacted: 'object' })
    expect([told[1], told[4]]).toEqual([said[1], said[4]])
    // That it changed is told, not what to.
    const blamed = (await collect(bundle.blame('a', '/user/email'))).map(({ version }) => version)
    expect(blamed).toEqual([1, 3, 4])
    expect((await collect(bundle.blame('a', '/text'))).map(({ version }) => version)).toEqual([6, 7])
    expect(told[2]!.changes).toEqual([{ op: 'replace', path: '/user/email', value: hidden }])
    expect(told[6]!.changes).toEqual([{ op: 'replace', path: '/text', value: hidden }])
    expect((await collect(bundle.audit({ path: '/user/email' }))).map(({ version }) => version)).toEqual([
      1, 3, 4,
    ])
  })

  test('leaves facts out, and data where that is asked for', async () => {
    const store = await create<unknown>()
    await store.save('a', 1, {
      actor: 'ann',
      reason: 'why',
      correlationId: 'c',
      eventId: 'e',
      data: { card: SECRET, n: 1 },
    })
    await store.save('a', 2, { type: 'counted' })
    const bundle = await bundleOf(store, 'a', { redact: { data: ['/card'], facts: ['actor', 'eventId'] } })
    const [first, second] = await collect(bundle.history('a'))
    expect(first).toMatchObject({
      reason: 'why',
      correlationId: 'c',
      data: { card: { $redacted: 'string' }, n: 1 },
    })
    expect(first).not.toHaveProperty('actor')
    expect(first).not.toHaveProperty('eventId')
    expect(second).toEqual((await collect(store.history('a')))[1])
    expect(bundle.counts.redacted).toBe(1)
  })

  test('is a mark of the kind of value, whole where no pointer leads into it', () => {
    const values = {
      s: 'a',
      n: 1,
      b: true,
      i: 1n,
      z: null,
      u: undefined,
      l: [],
      o: {},
      d: new Date(0),
      m: new Map([[1, 2]]),
    }
    const keys = Object.keys(values).filter(key => key !== 'm')
    const hidden = hide(values, placesOf(['/*/x', ...keys.map(key => `/${key}`)]), marks()) as Record<
      string,
      object
    >
    const kinds = Object.entries(hidden).map(([key, mark]) => [key, (mark as Redacted).$redacted])
    expect(Object.fromEntries(kinds)).toEqual({
      s: 'string',
      n: 'number',
      b: 'boolean',
      i: 'bigint',
      z: 'null',
      u: 'undefined',
      l: 'array',
      o: 'object',
      d: 'date',
      m: 'map',
    })
    const whole = { a: [1] }
    expect(hide(whole, placesOf(['/b', '/a/0/c']), marks())).toBe(whole)
  })
})

const place = fc.constantFrom(
  '',
  '/a',
  '/a/b',
  '/b',
  '/*',
  '/*/a',
  '/a/0',
  '/a/*/b',
  '/l/3',
  '/l/0/a',
  '/m/x',
  '/t',
  '/b/b/b',
)
const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(1, 'x', null, true, undefined),
  fc.string({ maxLength: 30 }),
)
const { tree } = fc.letrec(tie => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', '0'), tie('tree'), { maxKeys: 4 }),
    fc.constant(new Map([['x', 'y']])),
  ),
}))
const state = fc.record(
  { a: tree!, b: tree!, l: fc.array(tree!, { maxLength: 5 }), m: tree!, t: fc.lorem({ maxCount: 20 }) },
  { requiredKeys: [] },
)

/** A mark that tells all, to compare with those that don't. */
const markAsIs: Mark = value => ({ ...marks()(value, []), alias: spell(value) })

/** A state with the aliases taken out of it, in the order in which they stand there. */
function unmarked(state: unknown): { state: unknown; aliases: string[] } {
  const aliases: string[] = []
  const strip = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || value instanceof Map) return value
    if (Array.isArray(value)) return Array.from(value, strip)
    const { alias, ...rest } = value as Partial<Redacted>
    if (alias !== undefined) aliases.push(alias)
    return Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, strip(member)]))
  }
  return { state: strip(state), aliases }
}

test('Whatever is saved and hidden, each state of a bundle is that of the store without the hidden values', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 8, arbitrary: state }, { weight: 1, arbitrary: fc.constant(undefined) }), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.array(place, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      async (states, redact, at) => {
        const store = await create<unknown>()
        for (const each of states) {
          if (each === undefined) await store.delete('s')
          else await store.save('s', each)
        }
        const head = store.version('s')
        if (head === 0) return
        const from = 1 + (at % head)
        const bundle = await bundleOf(store, 's', { from, redact })
        const places = placesOf(redact)
        const aliases = new Map<string, string>()
        for (let version = from - 1; version <= head; version++) {
          const expected = hide(await store.stateAt('s', { version }), places, markAsIs)
          const [told, made] = [await bundle.stateAt('s', { version }), expected].map(unmarked)
          expect(spell(told!.state)).toBe(spell(made!.state))
          for (const [at, alias] of told!.aliases.entries()) {
            const value = made!.aliases[at]!
            expect(aliases.get(value) ?? alias).toBe(alias)
            aliases.set(value, alias)
          }
        }
        const [told, said] = [await collect(bundle.history('s')), await collect(store.history('s', { from }))]
        expect(told.map(({ hash, position }) => [hash, position])).toEqual(
          said.map(({ hash, position }) => [hash, position]),
        )
        expect(new Set(aliases.values()).size).toBe(aliases.size)
        await store.close()
      },
    ),
    { numRuns: 150 },
  )
})
