import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import type { OpenProgress } from '../../src/index.ts'
import { encodeChecked } from '../../src/log/checked.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'

/** A store of ten sessions with a long history, compacted, and a short tail after it. */
async function compacted(history: number) {
  const db = new ObservedLevel()
  const store = await create<{ n: number }>({ db })
  for (let n = 0; n < history; n++) store.save(`s${n % 10}`, { n })
  await store.flush()
  await store.compact()
  for (let n = 0; n < 3; n++) await store.edit('s1', draft => ({ ...draft, n: -n }))
  await store.save('new', { n: 1 })
  db.reads.clear()
  return { db, store }
}

const entries = (db: ObservedLevel, kind: string) => db.reads.get(kind)?.entries ?? 0

describe('openStore()', () => {
  test('reads the bases and the tail after them, never the history', async () => {
    const { db, store } = await compacted(1_000)
    const reopened = await reopen(store)
    expect(entries(db, 'b')).toBe(10)
    expect(entries(db, 't')).toBe(4)
    expect(entries(db, 's')).toBe(0)
    expect(entries(db, 'c')).toBeLessThan(10)
    expect(reopened.get('s1')).toEqual({ n: -2 })
    expect(reopened.get('s9')).toEqual({ n: 999 })
    expect(reopened.size).toBe(11)
  })

  test('reads no more where the history is ten times as long', async () => {
    const short = await compacted(500)
    const long = await compacted(5_000)
    await reopen(short.store)
    await reopen(long.store)
    expect(long.db.bytesRead).toBeLessThan(1.1 * short.db.bytesRead)
  })

  test('reads the log alone where asked to rebuild, and comes to the same', async () => {
    const { db, store } = await compacted(1_000)
    const states = new Map([...store.ids()].map(id => [id, [store.get(id), store.version(id)]]))
    db.reads.clear()
    const reopened = await reopen(store, { rebuild: true })
    expect(entries(db, 'b')).toBe(0)
    expect(entries(db, 's')).toBeGreaterThan(0)
    for (const [id, expected] of states) expect([reopened.get(id), reopened.version(id)]).toEqual(expected)
    expect(reopened.size).toBe(11)
    expect(await reopened.verify()).toMatchObject({ ok: true })
  })

  test('tells of its progress, up to all that there is', async () => {
    const { store } = await compacted(100)
    const told: OpenProgress[] = []
    await reopen(store, { onProgress: progress => told.push(progress) })
    expect(told.at(-1)).toEqual({ sessions: 11, events: 4 })
    expect(told.map(progress => progress.events)).toEqual(
      told.map(progress => progress.events).sort((a, b) => a - b),
    )
  })

  test('of a new place makes an empty store', async () => {
    const store = await create()
    expect([store.size, await collect(store.events())]).toEqual([0, []])
    expect(await store.verify()).toMatchObject({ ok: true, position: 0, sessions: 0, commits: 0 })
    expect((await reopen(store)).size).toBe(0)
  })

  test('reads thousands of bases, records and commits, page by page', async () => {
    const db = new ObservedLevel()
    let store = await create<number>({ db })
    const ids = Array.from({ length: 2_500 }, (_, n) => `s${n}`)
    await store.saveAll(ids.map((id, n) => ({ id, state: n })))
    await store.compact()
    for (const [n, id] of ids.entries()) await store.save(id, -n)
    store = await reopen(store)
    expect(ids.filter((id, n) => store.get(id) !== -n)).toEqual([])
    const positions = (await collect(store.events())).map(event => event.position)
    expect(positions).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1))
    expect(await store.verify()).toMatchObject({ ok: true, position: 5_000, commits: 2_501, bases: 2_500 })
    await store.compact()
    store = await reopen(store, { rebuild: true })
    expect(ids.filter((id, n) => store.get(id) !== -n)).toEqual([])
  })

  test('goes on with positions, versions and hashes where the store left off', async () => {
    let store = await create<number>()
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 3; n++) await store.save('a', n)
      if (round === 1) await store.compact()
      store = await reopen(store, { rebuild: round === 2 })
    }
    const events = await collect(store.history('a'))
    expect(events.map(event => [event.version, event.position])).toEqual(events.map((_, n) => [n + 1, n + 1]))
    expect(events.slice(1).map(event => event.previousHash)).toEqual(
      events.slice(0, -1).map(event => event.hash),
    )
    expect(await store.verify()).toMatchObject({ ok: true, position: 12 })
  })

  test('refuses a log of a format that it does not know, and leaves it as it is', async () => {
    const db = new MemoryLevel()
    const store = await create<number>({ db })
    await store.save('a', 1)
    await store.close()
    const part = db.sublevel<string, Buffer>('sessionlog', { valueEncoding: 'buffer' })
    const before = await part.get('mstore')
    const record = {
      format: 99,
      origin: 'x',
      createdAt: 0,
      schemaVersion: 0,
      requireActor: false,
      requireReason: false,
    }
    await part.put('mstore', Buffer.from(encodeChecked([record])))
    expect(await codeOf(() => create({ db }))).toBe('SESSIONLOG_FORMAT_UNSUPPORTED')
    await part.put('mstore', before!)
    expect((await create<number>({ db })).get('a')).toBe(1)
  })

  test('that fails lets go of the directory', async () => {
    const store = await create<number>({ schemaVersion: 2 })
    await store.save('a', 1)
    expect(await codeOf(() => reopen(store, { schemaVersion: 1 }))).toBe('SESSIONLOG_POLICY_VIOLATED')
    expect((await reopen(store, { schemaVersion: 2 })).get('a')).toBe(1)
  })
})
