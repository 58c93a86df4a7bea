import { describe, expect, test } from 'vitest'
import type { AuditOptions, RecordedEvent, SessionStore } from '../../src/index.ts'
import { MERGED_SESSIONS_MAX } from '../../src/projection/audit.ts'
import { Chance } from '../support/chance.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { collect, failureOf } from '../support/outcome.ts'
import { create, reopen, TestClock } from '../support/store.ts'

const ACTORS = ['ann', 'ben', undefined]
const TYPES = ['ordered', 'paid', undefined]

/** 200 events of ten sessions, one every ten ms of which some share a time; half of them sealed. */
async function makeStore(): Promise<SessionStore<{ n: number }>> {
  const clock = new TestClock(1_000)
  const store = await create<{ n: number }>({ clock: clock.read })
  const chance = new Chance(7)
  for (let n = 0; n < 200; n++) {
    if (!chance.once(3)) clock.now += 10
    const [actor, type] = [ACTORS[chance.below(3)], TYPES[chance.below(3)]]
    const saved = store.save(
      `s${chance.below(10)}`,
      { n },
      { ...(actor !== undefined && { actor }), ...(type !== undefined && { type }) },
    )
    if (chance.once(4)) await saved
    if (n === 100) await store.compact()
  }
  await store.flush()
  return store
}

const positions = (events: readonly RecordedEvent[]) => events.map(event => event.position)

async function expectSame(
  store: SessionStore<{ n: number }>,
  options: AuditOptions,
  fits: (event: RecordedEvent) => boolean,
): Promise<void> {
  const expected = (await collect(store.events())).filter(fits)
  expect(await collect(store.audit(options))).toEqual(expected)
}

describe('audit()', () => {
  test('without options is events()', async () => {
    const store = await makeStore()
    await expectSame(store, {}, () => true)
    await expectSame(await reopen(store), {}, () => true)
  })

  test('filters by actor and by type, one or several', async () => {
    const store = await makeStore()
    await expectSame(store, { actor: 'ann' }, event => event.actor === 'ann')
    await expectSame(store, { actor: ['ann', 'ben'] }, event => event.actor !== undefined)
    await expectSame(store, { actor: [] }, () => false)
    await expectSame(store, { type: ['paid', 'saved'] }, event => event.type !== 'ordered')
    await expectSame(
      store,
      { actor: 'ben', type: 'paid' },
      event => event.actor === 'ben' && event.type === 'paid',
    )
  })

  test('filters by time, both ends included', async () => {
    const store = await makeStore()
    const times = [...new Set((await collect(store.events())).map(event => event.recordedAt))]
    const [early, late] = [times[20]!, times[70]!]
    for (const sessions of [undefined, ['s1', 's2', 's3']]) {
      const isAsked = (event: RecordedEvent) => sessions?.includes(event.sessionId) !== false
      for (const [since, until] of [
        [early, late],
        [early + 1, late - 1],
        [early - 0.5, late + 0.5],
        [early, early],
        [-Infinity, early],
        [late, Infinity],
        [Infinity, Infinity],
        [late, early],
      ] as const) {
        await expectSame(
          store,
          { since, until, ...(sessions && { sessions }) },
          event => event.recordedAt >= since && event.recordedAt <= until && isAsked(event),
        )
      }
    }
  })

  test('of some sessions gives theirs in commit order, each once, from any position on', async () => {
    const store = await makeStore()
    for (const after of [0, 1, 99, 150, 200, 999]) {
      for (const sessions of [['s1'], ['s3', 's1', 's3', 'none'], new Set(['s2', 's7']), []]) {
        const ids = [...sessions]
        await expectSame(
          store,
          { sessions, after },
          event => ids.includes(event.sessionId) && event.position > after,
        )
      }
    }
  })

  test('of many sessions reads them all at once', async () => {
    const store = await create<number>()
    const ids = Array.from({ length: MERGED_SESSIONS_MAX + 5 }, (_, n) => `s${n}`)
    for (let n = 0; n < 2; n++) for (const id of [...ids, 'other']) void store.save(id, n)
    const found = await collect(store.audit({ sessions: ids.values() }))
    expect(found).toHaveLength(2 * ids.length)
    expect(positions(found)).toEqual(positions(found).toSorted((a, b) => a - b))
  })

  test('of a few sessions reads nothing of the others', async () => {
    const db = new ObservedLevel()
    const store = await create<string>({ db })
    for (let n = 0; n < 400; n++) await store.save(`s${n % 40}`, `${n}`.repeat(500))
    await store.compact()
    const read = async (options: AuditOptions) => {
      db.reads.clear()
      await collect(store.audit(options))
      return [...db.reads.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    }
    expect(await read({ sessions: ['s1', 's2'] })).toBeLessThan((await read({})) / 5)
  })

  test('stops with the reason of its signal', async () => {
    const store = await makeStore()
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    for (const options of [{ signal }, { signal, sessions: ['s1'] }, { signal, live: true }])
      expect(await failureOf(() => collect(store.audit(options)))).toBe(reason)
  })

  test('holds what was saved right before the call, also of one session', async () => {
    const store = await create<number>()
    void store.save('a', 1)
    expect(await collect(store.audit({ sessions: ['a'] }))).toHaveLength(1)
    void store.save('a', 2)
    expect(await collect(store.audit())).toHaveLength(2)
  })
})

describe('audit() of a path', () => {
  const versions = async (store: SessionStore<unknown>, path: string) =>
    (await collect(store.audit({ path }))).map(event => event.version)

  test('gives the events that changed the value there, around it or inside it', async () => {
    const store = await create()
    for (const state of [
      { note: 'x' },
      { note: 'x', cart: { total: 1, items: [] } },
      { note: 'y', cart: { total: 1, items: [] } },
      { note: 'y', cart: { total: 2, items: ['tea'] } },
      { note: 'y', cart: 'none' },
      { note: 'y' },
    ])
      await store.save('a', state)
    await store.delete('a')
    expect(await versions(store, '/cart/total')).toEqual([2, 4, 5])
    expect(await versions(store, '/cart')).toEqual([2, 4, 5, 6])
    expect(await versions(store, '/cart/items/0')).toEqual([4, 5])
    expect(await versions(store, '/note')).toEqual([1, 3, 7])
    expect(await versions(store, '')).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(await versions(store, '/none')).toEqual([])
    expect(await versions(store, '/note/length')).toEqual([])
  })

  test('looks at what lies at an index, whatever comes to lie there', async () => {
    const store = await create()
    for (const state of [
      ['a', 'b', 'c'],
      ['a', 'b', 'd'],
      ['x', 'a', 'b', 'd'],
      ['x', 'a', 'a', 'b', 'd'],
      ['y', 'a', 'a', 'b', 'd'],
      ['a', 'a', 'b', 'd'],
    ])
      await store.save('a', state)
    expect(await versions(store, '/1')).toEqual([1, 3])
    expect(await versions(store, '/0')).toEqual([1, 3, 5, 6])
    expect(await versions(store, '/2')).toEqual([1, 2, 3, 4, 6])
    expect(await versions(store, '/length')).toEqual([])
  })

  test('leaves out an event that wrote the whole state and left the value as it was', async () => {
    let store = await create()
    await store.save('a', { keep: 1, move: 1 })
    store = await reopen(store, { schemaVersion: 1, upcast: state => state })
    await store.save('a', { keep: 1, move: 2 })
    const [, event] = await collect(store.history('a'))
    expect(event?.changes).toMatchObject([{ op: 'replace', path: '' }])
    expect(await versions(store, '/keep')).toEqual([1])
    expect(await versions(store, '/move')).toEqual([1, 2])
  })
})

test('audit() that follows gives what fits, until the store closes', async () => {
  const store = await create<number>()
  await store.save('a', 1, { actor: 'ann' })
  const seen: number[] = []
  const following = (async () => {
    for await (const event of store.audit({ live: true, actor: 'ann', sessions: ['a'] })) {
      seen.push(event.position)
      if (event.position === 1) {
        await store.save('a', 2, { actor: 'ben' })
        await store.save('b', 3, { actor: 'ann' })
        await store.save('a', 4, { actor: 'ann' })
      } else void store.close()
    }
  })()
  await following
  expect(seen).toEqual([1, 4])
})
