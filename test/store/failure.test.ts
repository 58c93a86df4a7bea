import { lastValueFrom, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect, deferred, failureOf } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'

const IO_ERROR = 'SESSIONLOG_IO_ERROR'
const diskError = new Error('EIO: the disk is gone')

/** A store whose writes fail from here on, with acknowledged events in it. */
async function failing(failsAfterwards = false) {
  const db = new ObservedLevel()
  const store = await create<number>({ db })
  await store.save('a', 1)
  await store.save('b', 1)
  await store.save('b', 2, { eventId: 'known' })
  await store.delete('b')
  db.failure = diskError
  db.failsAfterwards = failsAfterwards
  return { db, store }
}

async function failed(failsAfterwards = false) {
  const all = await failing(failsAfterwards)
  const rejected = [
    all.store.save('a', 2, { eventId: 'retry' }),
    all.store.save('b', 4),
    all.store.save('c', 1),
    all.store.saveAll([
      { id: 'a', state: 3 },
      { id: 'd', state: 1 },
    ]),
    all.store.delete('a'),
  ]
  const outcomes = await Promise.allSettled(rejected)
  return { ...all, outcomes }
}

describe('After a failed write', () => {
  test('that commit and all behind it reject, with the cause', async () => {
    const { outcomes } = await failed()
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: IO_ERROR, cause: diskError } })
    }
  })

  test('status is failed, and stays so when the disk comes back', async () => {
    const { db, store } = await failed()
    expect(store.status).toBe('failed')
    db.failure = undefined
    expect(await codeOf(() => store.save('a', 9))).toBe(IO_ERROR)
    expect(store.status).toBe('failed')
  })

  test('the cache is back at the last acknowledged states', async () => {
    const { store } = await failed()
    expect([store.get('a'), store.version('a')]).toEqual([1, 1])
    expect([store.get('b'), store.version('b')]).toEqual([undefined, 3])
    expect([store.get('c'), store.version('c'), store.has('d')]).toEqual([undefined, 0, false])
    expect([...store.ids()]).toEqual(['a'])
    expect(store.size).toBe(1)
  })

  test('the past is read as before', async () => {
    const { store } = await failed()
    const steps = await lastValueFrom(store.replay('b').pipe(toArray()))
    expect(steps.map(({ after }) => after)).toEqual([1, 2, undefined])
    expect(await store.stateAt('b', { version: 2 })).toBe(2)
    expect(await collect(store.history('a'))).toHaveLength(1)
  })

  test('watchers are told of what it went back to', async () => {
    const { store } = await failing()
    const seen: Record<string, unknown[]> = { a: [], b: [], c: [], untouched: [] }
    for (const id of Object.keys(seen)) {
      store
        .watch(id)
        .subscribe({ next: state => seen[id]!.push(state), error: () => seen[id]!.push('error') })
    }
    await Promise.allSettled([store.save('a', 2), store.save('a', 3), store.save('b', 4), store.save('c', 1)])
    expect(seen).toEqual({
      a: [1, 2, 3, 1],
      b: [undefined, 4, undefined],
      c: [undefined, 1, undefined],
      untouched: [undefined],
    })
  })

  test('a watcher finds everything put back when it is told of the first', async () => {
    const { store } = await failing()
    const seen: unknown[] = []
    store.watch('a').subscribe(state => seen.push([state, store.has('c'), store.size]))
    await Promise.allSettled([store.save('a', 2), store.save('c', 1)])
    expect(seen.at(-1)).toEqual([1, false, 1])
  })

  test('commits error, for those who follow and those who come later', async () => {
    const { store } = await failing()
    const positions: number[] = []
    const errored = deferred<unknown>()
    store.commits.subscribe({
      next: events => positions.push(...events.map(event => event.position)),
      error: errored.resolve,
    })
    await Promise.allSettled([store.save('a', 2)])
    expect(await errored.promise).toMatchObject({ code: IO_ERROR, cause: diskError })
    expect(positions).toEqual([])
    const late = deferred<unknown>()
    store.commits.subscribe({ error: late.resolve })
    expect(await late.promise).toMatchObject({ code: IO_ERROR })
  })

  test('a follower of events gets all that were acknowledged, then the error', async () => {
    const { store } = await failing()
    const positions: number[] = []
    const following = failureOf(async () => {
      for await (const { position } of store.events({ live: true })) positions.push(position)
    })
    await Promise.allSettled([store.save('a', 2)])
    expect(await following).toMatchObject({ code: IO_ERROR })
    expect(positions).toEqual([1, 2, 3, 4])
  })

  test.each<[string, (store: SessionStore<number>) => unknown]>([
    ['save()', store => store.save('a', 9)],
    ['save() of a known event id', store => store.save('b', 2, { eventId: 'known' })],
    ['edit()', store => store.edit('a', n => n + 1)],
    ['delete()', store => store.delete('a')],
    ['saveAll()', store => store.saveAll([{ id: 'a', state: 9 }])],
    ['touch()', store => store.touch('a', 9e15)],
    ['compact()', store => store.compact()],
    ['flush()', store => store.flush()],
  ])('%s is refused, and changes nothing', async (_, call) => {
    const { db, store } = await failed()
    db.failure = undefined
    const writes = db.writes.length
    expect(await codeOf(() => call(store))).toBe(IO_ERROR)
    expect([store.get('a'), store.version('a')]).toEqual([1, 1])
    expect(db.writes).toHaveLength(writes)
  })

  test('reading goes on: the present and the past', async () => {
    const { store } = await failed()
    expect(await collect(store.history('b'))).toHaveLength(3)
    expect(await collect(store.history('a'))).toHaveLength(1)
    expect(await collect(store.events())).toHaveLength(4)
    expect(await store.stateAt('b', { version: 2 })).toBe(2)
    expect(await codeOf(() => store.stateAt('a', { version: 2 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await store.verify()).toMatchObject({ ok: true, position: 4, problems: [] })
  })

  test('close() works, and reopening finds every acknowledged event', async () => {
    const { db, store } = await failed()
    db.failure = undefined
    const again = await reopen(store)
    expect(store.status).toBe('closed')
    expect((await collect(again.events())).map(event => [event.sessionId, event.version])).toEqual([
      ['a', 1],
      ['b', 1],
      ['b', 2],
      ['b', 3],
    ])
    expect(await again.save('a', 2, { eventId: 'retry' })).toMatchObject({ version: 2, deduplicated: false })
    expect(await again.verify()).toMatchObject({ ok: true })
  })

  test('reopening may find commits that were rejected, whole and in order, and a retry is safe', async () => {
    const { db, store } = await failed(true)
    db.failure = undefined
    const again = await reopen(store)
    expect(
      (await collect(again.events({ after: 4 }))).map(event => [event.sessionId, event.version]),
    ).toEqual([
      ['a', 2],
      ['b', 4],
      ['c', 1],
      ['a', 3],
      ['d', 1],
      ['a', 4],
    ])
    expect(await again.save('a', 2, { eventId: 'retry' })).toMatchObject({ version: 2, deduplicated: true })
    expect(await again.verify()).toMatchObject({ ok: true, position: 10 })
  })

  test('in mid-compaction, the next run finishes it', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    for (let n = 0; n < 10; n++) await store.save('a', n)
    db.failure = diskError
    expect(await codeOf(() => store.compact())).toBe(IO_ERROR)
    expect(store.status).toBe('failed')
    db.failure = undefined
    const again = await reopen(store)
    expect(await again.compact()).toMatchObject({ sessions: 1, events: 10 })
    expect(await again.verify()).toMatchObject({ ok: true })
  })

  test('of a touch alone, the store has stopped as well', async () => {
    const { store } = await failing()
    store.touch('a', 9e15)
    expect(await codeOf(() => store.flush())).toBe(IO_ERROR)
    expect(store.status).toBe('failed')
  })
})
