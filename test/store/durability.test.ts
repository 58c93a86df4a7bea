import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { create, reopen, temporary } from '../support/store.ts'

const syncs = (db: ObservedLevel) => db.writes.map(write => write.sync)

describe("durability: 'sync'", () => {
  test('syncs every commit before its receipt', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    db.writes.length = 0
    for (let n = 0; n < 5; n++) await store.save('a', n)
    expect(syncs(db)).toEqual([true, true, true, true, true])
  })

  test('says so in the receipt of a store in a directory', async () => {
    expect(await (await create<number>()).save('a', 1)).toMatchObject({ durability: 'synced' })
  })
})

describe("durability: 'buffered'", () => {
  test('leaves the disk to later, and says so in the receipt', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db, durability: 'buffered', syncIntervalMs: 2 ** 31 - 1 })
    db.writes.length = 0
    for (let n = 0; n < 5; n++) await store.save('a', n)
    expect(syncs(db)).toEqual([false, false, false, false, false])
    const directory = await create<number>({ durability: 'buffered' })
    expect(await directory.save('a', 1, { eventId: 'e' })).toMatchObject({ durability: 'buffered' })
    expect(await directory.save('a', 1, { eventId: 'e' })).toMatchObject({
      durability: 'buffered',
      deduplicated: true,
    })
  })

  test('syncs by itself after a while', async () => {
    const db = new ObservedLevel()
    const synced = new Promise<void>(resolve => {
      const { push } = db.writes
      db.writes.push = (...writes) => {
        if (writes.some(write => write.sync && write.puts.has('msync'))) resolve()
        return push.apply(db.writes, writes)
      }
    })
    const store = await create<number>({ db, durability: 'buffered', syncIntervalMs: 1 })
    await store.save('a', 1)
    await synced
  })

  test('is made durable by flush()', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db, durability: 'buffered', syncIntervalMs: 2 ** 31 - 1 })
    db.writes.length = 0
    store.save('a', 1)
    await store.flush()
    expect(syncs(db)).toContain(true)
    expect(db.writes.findIndex(write => write.sync)).toBe(db.writes.length - 1)
    expect(db.written('t')).toHaveLength(1)
  })

  test('is made durable by close()', async () => {
    const db = new ObservedLevel()
    Object.assign(db.supports, { permanence: true })
    const store = await create<number>({ db, durability: 'buffered', syncIntervalMs: 2 ** 31 - 1 })
    store.save('a', 1)
    await store.close()
    expect(syncs(db).at(-1)).toBe(true)
  })

  test('writes every event still', async () => {
    const store = await create<number>({ durability: 'buffered' })
    for (let n = 0; n < 100; n++) store.save('a', n)
    const events = await collect((await reopen(store)).history('a'))
    expect(events.map(event => event.version)).toEqual(events.map((_, n) => n + 1))
    expect(events).toHaveLength(100)
  })
})

describe('flush()', () => {
  test('resolves once all that was saved before is durable', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    const release = db.hold()
    let settled = 0
    for (let n = 0; n < 10; n++) store.save('a', n).then(() => settled++)
    const flushed = store.flush().then(() => settled)
    release()
    expect(await flushed).toBe(10)
  })

  test('is safe to call at once with close()', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    store.touch('a', 9e15)
    const flushed = store.flush()
    await store.close()
    await flushed
  })
})

describe('db', () => {
  test('may be any abstract-level database in memory, which survives the store', async () => {
    const db = new MemoryLevel()
    let store = await create<number>({ db })
    expect(await store.save('a', 1)).toMatchObject({ durability: 'memory' })
    store = await reopen(store)
    expect(store.get('a')).toBe(1)
    expect(await store.compact()).toMatchObject({ sessions: 1, snapshotsWritten: 0, problems: [] })
    expect((await reopen(store, { rebuild: true })).get('a')).toBe(1)
    expect(db.status).toBe('open')
  })

  test.each(['utf8', 'json', 'buffer', 'view'])('may use the encoding %s for itself', async encoding => {
    const db = new MemoryLevel<string, unknown>({ valueEncoding: encoding })
    const store = await create<object>({ db })
    await store.save('a', { n: 1 })
    expect((await reopen(store)).get('a')).toEqual({ n: 1 })
  })

  test.each([
    ['level', Level],
    ['classic-level', ClassicLevel],
  ])('may be one of %s, and its receipts are synced', async (_, Database) => {
    const db = new Database(join(temporary(), 'db'))
    onTestFinished(() => db.close())
    const store = await create<number>({ db })
    expect(await store.save('a', 1, { eventId: 'e' })).toMatchObject({ durability: 'synced' })
    await store.compact()
    const reopened = await reopen(store)
    expect(reopened.get('a')).toBe(1)
    expect(await reopened.save('a', 1, { eventId: 'e' })).toMatchObject({ deduplicated: true })
    expect(db.status).toBe('open')
  })

  test('may be a part of a larger one, beside the keys of others', async () => {
    const db = new MemoryLevel()
    await db.put('mine', 'kept')
    await db.put('!sessionlog', 'kept')
    const one = await create<number>({ db: db.sublevel('one') })
    const two = await create<number>({ db: db.sublevel('two', { valueEncoding: 'json' }) })
    await Promise.all([one.save('a', 1), two.save('a', 2)])
    expect([(await reopen(one)).get('a'), (await reopen(two)).get('a')]).toEqual([1, 2])
    expect([await db.get('mine'), await db.get('!sessionlog')]).toEqual(['kept', 'kept'])
  })

  test('that is not open yet is opened', async () => {
    const db = new Level(join(temporary(), 'db'))
    onTestFinished(() => db.close())
    expect(db.status).toBe('opening')
    const store = await create<number>({ db })
    await store.save('a', 1)
    await db.close()
    expect(await codeOf(() => store.history('a').next())).toBe('SESSIONLOG_NOT_OPEN')
  })

  test('that cannot read synchronously is refused', async () => {
    const db = new MemoryLevel()
    Object.assign(db.supports, { getSync: false })
    expect(await codeOf(() => openStore({ db }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })
})
