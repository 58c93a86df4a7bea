import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { lastValueFrom } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type Bundle, openBundle, type SessionStore } from '../../src/index.ts'
import { spell } from '../state/exact.ts'
import { bundleOf, bundlePath } from '../support/bundles.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { everything, sized } from '../support/states.ts'
import { create, TestClock } from '../support/store.ts'

async function makeStore(clock = new TestClock()): Promise<SessionStore<unknown>> {
  const store = await create<unknown>({ clock: clock.read })
  for (let n = 1; n <= 40; n++) {
    clock.now += 1000
    const state = n % 13 === 0 ? everything() : { ...sized(400), n, text: 'word '.repeat(n) }
    await store.save('a', state, {
      actor: n % 2 ? 'ann' : { id: 'bob', onBehalfOf: 'cy' },
      reason: `step ${n}`,
      data: { n },
    })
    if (n % 3 === 0) await store.save(`other ${n % 2}`, n, { type: 'counted', occurredAt: 1000 - n })
    if (n === 20) await store.delete('a')
    if (n === 25) await store.fork('a', 'child', { version: 10 })
    if (n === 30) await store.compact()
  }
  return store
}

const IDS = ['a', 'other 0', 'other 1', 'child']

describe('a bundle', () => {
  test('answers every question about its sessions as the store does', async () => {
    const store = await makeStore()
    const bundle = await bundleOf(store, IDS)
    const ask = async (from: SessionStore<unknown> | Bundle<unknown>) => ({
      ids: [...from.ids()].sort(),
      size: from.size,
      origin: from.origin,
      events: await collect(from.events()),
      later: await collect(from.events({ after: 7 })),
      audit: await collect(from.audit({ actor: 'bob', since: 1000, path: '/n' })),
      each: await Promise.all(
        IDS.map(async id => ({
          version: from.version(id),
          state: spell(from.get(id)),
          history: await collect(from.history(id)),
          reverse: await collect(from.history(id, { reverse: true, to: 3 })),
          blame: [...(await from.blame(id))],
          value: await collect(from.blame(id, '/n')),
          lineage: await from.lineage(id),
          states: await Promise.all(
            Array.from({ length: from.version(id) + 1 }, async (_, version) =>
              spell(await from.stateAt(id, { version })),
            ),
          ),
          check: await from.checkReplay(id, (_, { type }) => type),
        })),
      ),
      found: await from.bisect('a', state => (state as { n: number }).n > 30),
      diff: await from.diff('a', 3, 17),
      position: spell(await from.stateAt('a', { position: 20 })),
      time: spell(await from.stateAt('a', { time: Date.UTC(2024, 1, 29, 0, 0, 9) })),
      occurred: spell(await from.stateAt('other 1', { time: 980, by: 'occurred' })),
      live: await from.events({ after: 40 }).next(),
    })
    const [told, said] = [await ask(bundle), await ask(store)]
    expect(told).toEqual(said)
    expect(bundle.header).toMatchObject({ origin: store.origin, schemaVersion: 0, format: 1, position: 55 })
    expect(bundle.header.writer).toMatch(/^sessionlog \d/)
    expect(bundle.counts).toEqual({ sessions: 4, events: 55, redacted: 0 })
  })

  test('replays to its last event, although a subscriber throws', async () => {
    const bundle = await bundleOf(await makeStore(), 'a')
    const versions: number[] = []
    await new Promise<void>((complete, error) => {
      bundle.replay('a').subscribe({
        next: ({ event }) => {
          versions.push(event.version)
          throw new Error('seen')
        },
        error,
        complete,
      })
    })
    expect(versions).toEqual(Array.from({ length: 41 }, (_, n) => n + 1))
  })

  test('does not know what is not in it', async () => {
    const store = await makeStore()
    const bundle = await bundleOf(store, 'a')
    expect(bundle.version('other 1')).toBe(0)
    expect(bundle.get('other 1')).toBeUndefined()
    for (const call of [
      () => collect(bundle.history('other 1')),
      () => bundle.stateAt('other 1', { version: 0 }),
      () => bundle.lineage('other 1'),
    ])
      expect(await codeOf(call)).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    expect(await codeOf(() => bundle.stateAt('a', { version: 99 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    // The child is not there, so nothing is said of it.
    expect(await bundle.lineage('a')).toMatchObject({ children: [] })
    const child = await bundleOf(store, 'child')
    expect(await child.lineage('child')).toMatchObject({ ancestors: [{ sessionId: 'a', version: 10 }] })
  })
})

describe('a bundle of a part of a session', () => {
  test('has the state before its first event, and refuses what lies before that', async () => {
    const store = await makeStore()
    for (let first = 2; first <= 41; first += 3) {
      const last = Math.min(first + 5, 41)
      const bundle = await bundleOf(store, 'a', { from: first, to: last })
      expect(bundle.sessions).toEqual([{ id: 'a', first, last, head: 41 }])
      for (let version = first - 1; version <= last; version++)
        expect(spell(await bundle.stateAt('a', { version }))).toBe(
          spell(await store.stateAt('a', { version })),
        )
      const range = { from: first, to: last }
      expect(await collect(bundle.history('a'))).toEqual(await collect(store.history('a', range)))
      expect(await collect(bundle.events())).toEqual(await collect(store.history('a', range)))
      expect(await collect(bundle.audit({ sessions: ['a'] }))).toEqual(
        await collect(store.history('a', range)),
      )
      expect(await bundle.diff('a', first - 1, last)).toEqual(await store.diff('a', first - 1, last))
      expect(await bundle.stateAt('a', { version: 0 })).toBeUndefined()
      if (first === 2) continue
      const at = (await collect(store.history('a', { from: first - 2 })))[0]!
      for (const call of [
        () => bundle.stateAt('a', { version: first - 2 }),
        () => bundle.stateAt('a', { time: at.recordedAt }),
        () => bundle.stateAt('a', { position: at.position }),
        () => bundle.diff('a', first - 2, first),
        () => collect(bundle.history('a', { from: first - 1 })),
        () => bundle.bisect('a', () => true, { good: first - 2 }),
        () => bundle.lineage('a'),
      ])
        expect(await codeOf(call)).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    }
  })

  test('holds nothing of the events before it but the state', async () => {
    const store = await create<unknown>()
    const file = bundlePath()
    for (let n = 1; n <= 5; n++)
      await store.save(
        'a',
        { n, card: n < 3 ? `swordfish ${n}` : '' },
        { actor: `user ${n}`, reason: `why ${n}`, data: n },
      )
    for (const from of [3, 4, 5]) {
      await store.exportBundle('a', { file, from })
      const bytes = gunzipSync(readFileSync(file))
      expect(bytes.includes('swordfish 1')).toBe(false)
      expect(bytes.includes('swordfish 2')).toBe(from === 3)
      for (let n = 1; n < from; n++)
        for (const word of ['user', 'why']) expect(bytes.includes(`${word} ${n}`)).toBe(false)
      const bundle = await openBundle(file)
      expect(await bundle.stateAt('a', { version: from - 1 })).toEqual(
        await store.stateAt('a', { version: from - 1 }),
      )
      expect(bundle.counts).toEqual({ sessions: 1, events: 6 - from, redacted: 0 })
    }
  })

  test('does not answer for what came after it', async () => {
    const clock = new TestClock()
    const store = await create<{ n: number }>({ clock: clock.read })
    for (let n = 1; n <= 10; n++) {
      clock.now += 1000
      await store.save('a', { n }, { occurredAt: 5000 - n * 10 })
    }
    const bundle = await bundleOf(store, 'a', { from: 4, to: 6 })
    for (const call of [
      () => bundle.stateAt('a', { time: clock.now }),
      () => bundle.stateAt('a', { position: 8 }),
      () => bundle.stateAt('a', { time: 4950, by: 'occurred' }),
      () => bundle.diff('a', 4, { time: clock.now }),
      () => bundle.blame('a', undefined, { time: clock.now }),
      () => bundle.stateAt('a', { version: 7 }),
      () => collect(bundle.history('a', { from: 8 })),
      () => collect(bundle.history('a', { to: 8 })),
      () => collect(bundle.history('a', { to: 2 })),
      () => bundle.checkReplay('a', state => state, { until: 2 }),
      () => lastValueFrom(bundle.replay('a', { to: 2 })),
      () => lastValueFrom(bundle.replay('a', { to: 9 })),
    ])
      expect(await codeOf(call)).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await bundle.stateAt('a', { position: 5 })).toEqual({ n: 5 })
    const blames = await bundle.blame('a', undefined, { version: 3 })
    expect([...blames]).toEqual([['/n', { version: 3, time: expect.any(Number), earlier: true }]])
    expect(await bundle.blame('a', undefined, { version: 0 })).toEqual(new Map())
    expect(await codeOf(() => bundle.bisect('a', () => true, { bad: 9 }))).toBe(
      'SESSIONLOG_VERSION_NOT_FOUND',
    )
    const end = await bundleOf(store, 'a', { from: 4 })
    expect(await codeOf(() => end.stateAt('a', { time: 1, by: 'occurred' }))).toBe(
      'SESSIONLOG_VERSION_NOT_FOUND',
    )
    const point = { time: clock.now, version: undefined, position: undefined }
    expect(await end.stateAt('a', point as never)).toEqual({ n: 10 })
    expect(await store.stateAt('a', point as never)).toEqual({ n: 10 })
    expect(await end.stateAt('a', { time: clock.now })).toEqual({ n: 10 })
    expect(await collect(end.history('a', { from: 12 }))).toEqual([])
  })

  test('tells of a family as far as it is there', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    await store.fork('a', 'f3', { version: 1 })
    await store.fork('a', 'f18', { version: 1 })
    await store.fork('f3', 'g', { version: 1 })
    const all = await bundleOf(store, ['g', 'f3', 'f18', 'a'])
    for (const id of ['a', 'f3', 'g']) expect(await all.lineage(id)).toEqual(await store.lineage(id))
    const some = await bundleOf(store, ['g', 'f3'])
    expect(await some.lineage('g')).toMatchObject({
      ancestors: [{ sessionId: 'f3' }, { sessionId: 'a' }],
      incomplete: true,
    })
  })

  test('finds events in it, and says which values are from before it', async () => {
    const store = await create<{ n: number; by?: string; list: string[] }>()
    for (let n = 1; n <= 30; n++)
      await store.save('a', { n, list: n < 10 ? ['early'] : ['early', 'late'] }, { actor: `user ${n}` })
    const bundle = await bundleOf(store, 'a', { from: 8 })
    const found = await bundle.bisect('a', state => state.list.length > 1)
    expect(found).toMatchObject({
      version: 10,
      event: { actor: 'user 10' },
      before: { n: 9 },
      after: { n: 10 },
    })
    expect(found.evaluations[0]).toEqual({ version: 7, verdict: false })
    const blames = await bundle.blame('a')
    expect(blames.get('/n')).toMatchObject({ version: 30, actor: 'user 30' })
    expect(blames.get('/list/1')).toMatchObject({ version: 10 })
    expect(blames.get('/list/0')).toEqual({ version: 7, time: expect.any(Number), earlier: true })
    expect(blames.get('/n')).not.toHaveProperty('earlier')
    expect((await collect(bundle.blame('a', '/n'))).map(({ version }) => version)).toEqual(
      Array.from({ length: 23 }, (_, at) => at + 8),
    )
  })
})
