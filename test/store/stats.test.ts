import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Diagnostics, SessionStore } from '../../src/index.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { create, directoryOf, reopen, temporary } from '../support/store.ts'

/** What is published on a channel from now on, of one store's directory. */
function listen<Name extends keyof Diagnostics>(name: Name, dir: string | undefined): Diagnostics[Name][] {
  const heard: Diagnostics[Name][] = []
  const hear = (payload: unknown) => {
    if ((payload as Diagnostics[Name]).dir === dir) heard.push(payload as Diagnostics[Name])
  }
  subscribe(name, hear)
  onTestFinished(() => void unsubscribe(name, hear))
  return heard
}

const dirOf = (store: SessionStore<number>) => directoryOf(store as never)

describe('stats()', () => {
  test('counts commits and their events, and how long they took', async () => {
    const store = await create<number>()
    await Promise.all(Array.from({ length: 10 }, (_, n) => store.save(`s${n}`, n)))
    await store.save('a', 1)
    await store.delete('a')
    const { role, status, position, queue, cache, log } = await store.stats()
    expect({ role, status, position }).toEqual({ role: 'owner', status: 'open', position: 12 })
    expect(queue).toEqual({ transactions: 0, bytes: 0, bytesMax: 64 * 1024 * 1024 })
    expect(cache).toEqual({ sessions: 11, states: 10, decoded: 10 })
    expect(log).toMatchObject({ commits: 3, events: 12, followers: 0, lastCompaction: undefined })
    expect(log.bytes).toBeGreaterThan(12 * 50)
    expect(log.logBytes).toBeGreaterThan(log.bytes)
    const { bounds, counts, sum, count } = log.commitEvents
    expect({ sum, count }).toEqual({ sum: 12, count: 3 })
    // Two commits of one event; one of ten, which is more than 8 and no more than 16.
    expect(counts).toEqual(bounds.map(bound => ({ 1: 2, 16: 1 })[bound] ?? 0).concat(0))
    expect(log.commitMs.count).toBe(3)
    expect(log.commitMs.sum).toBeGreaterThan(0)
  })

  test('tells what waits, and how the last compaction went', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    await store.save('a', 1)
    await store.compact()
    const release = db.hold()
    const saved = store.save('a', 2)
    const { queue, log } = await store.stats()
    expect(queue.transactions).toBe(1)
    expect(queue.bytes).toBeGreaterThan(0)
    expect(log).toMatchObject({
      logBytes: undefined,
      lastCompaction: { sessions: 1, events: 1, problems: 0 },
    })
    release()
    await saved
    expect((await store.stats()).queue).toMatchObject({ transactions: 0, bytes: 0 })
  })

  test('of a follower are its own, and of the log those of the owner', async () => {
    const dir = temporary()
    const owner = await create<number>({ dir })
    const follower = await create<number>({ dir, role: 'follower' })
    await follower.save('a', 1)
    const stats = await follower.stats()
    expect(stats).toMatchObject({
      role: 'follower',
      position: 1,
      log: { commits: 1, events: 1, followers: 1 },
    })
    expect(stats.log).toEqual((await owner.stats()).log)
  })

  test('does not take a state that nobody has read for one that is in memory as an object', async () => {
    const store = await create<number>()
    for (let n = 0; n < 5; n++) await store.save(`s${n}`, n)
    await store.compact()
    const again = await reopen(store)
    expect((await again.stats()).cache).toEqual({ sessions: 5, states: 5, decoded: 0 })
    again.get('s1')
    expect((await again.stats()).cache).toEqual({ sessions: 5, states: 5, decoded: 1 })
  })
})

describe('health()', () => {
  test('is open, then failed where the disk has failed, then closed', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    await store.save('a', 1)
    expect(store.health()).toEqual({ status: 'open', reasons: [] })
    db.failure = new Error('The disk is full')
    await store.save('a', 2).catch(() => {})
    expect(store.health()).toMatchObject({ status: 'failed', reasons: [expect.stringContaining('stopped')] })
    await store.close()
    expect(store.health().status).toBe('closed')
  })

  test('is degraded while more than half of what may wait does', async () => {
    const db = new ObservedLevel()
    const store = await create<string>({ db, pendingBytesMax: 10_000 })
    const release = db.hold()
    const saved = store.save('a', 'x'.repeat(6_000))
    expect(store.health()).toMatchObject({ status: 'degraded', reasons: [expect.stringContaining('half')] })
    release()
    await saved
    expect(store.health().status).toBe('open')
  })

  test('is degraded for a follower without an owner', async () => {
    const dir = temporary()
    const owner = await create<number>({ dir })
    const follower = await create<number>({ dir, role: 'follower' })
    expect(follower.health()).toEqual({ status: 'open', reasons: [] })
    await owner.close()
    const save = follower.save('a', 1).catch(() => {})
    expect(follower.health()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('owner')],
    })
    await follower.close()
    await save
  })
})

describe('On diagnostics_channel', () => {
  test('commits, compactions and openings are told of', async () => {
    const dir = temporary()
    const [opened, commits, compactions] = [
      listen('sessionlog:open', dir),
      listen('sessionlog:commit', dir),
      listen('sessionlog:compact', dir),
    ]
    const store = await create<number>({ dir })
    const follower = await create<number>({ dir, role: 'follower' })
    expect(opened).toMatchObject([
      { origin: store.origin, role: 'owner', tookOver: false, sessions: 0, position: 0 },
      { role: 'follower', tookOver: false },
    ])
    await Promise.all([store.save('a', 1), store.save('b', 1), store.save('a', 2)])
    await follower.save('c', 1)
    expect(commits).toMatchObject([
      { origin: store.origin, position: 3, events: 3, sessions: 2, forwarded: 0 },
      { position: 4, events: 1, sessions: 1, forwarded: 1 },
    ])
    for (const { bytes, durationMs } of commits) expect([bytes > 50, durationMs > 0]).toEqual([true, true])
    const report = await store.compact()
    expect(compactions).toEqual([{ origin: store.origin, dir, report }])
    expect(dirOf(store)).toBe(dir)
  })

  test('a failed write is told of', async () => {
    const failures = listen('sessionlog:failure', undefined)
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    db.failure = new Error('The disk is full')
    await store.save('a', 1).catch(() => {})
    expect(failures.filter(({ origin }) => origin === store.origin)).toMatchObject([
      { error: { code: 'SESSIONLOG_IO_ERROR' } },
    ])
  })
})
