import { describe, expect, test } from 'vitest'
import { ObservedLevel } from '../support/observed-level.ts'
import { collect } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { create, reopen, TestClock } from '../support/store.ts'

describe('A save that changes nothing', () => {
  test('is an event, of a few dozen bytes', async () => {
    const db = new ObservedLevel()
    const store = await create({ db })
    await store.save('a', everything())
    const receipt = await store.save('a', everything())
    expect(receipt).toMatchObject({ version: 2, unchanged: false })
    const [, event] = await collect(store.history('a'))
    expect(event!.changes).toEqual([])
    const record = db.writes.at(-1)!.puts.get(db.written('t').at(-1)!)!
    expect(record.length).toBeLessThan(130)
  })

  test('leaves the very same state in the cache', async () => {
    const store = await create()
    await store.save('a', { deep: [{ er: 1 }] })
    const before = store.get('a')
    await store.save('a', { deep: [{ er: 1 }] })
    expect(store.get('a')).toBe(before)
  })
})

describe('skipUnchanged', () => {
  test('answers with the last receipt and unchanged: true', async () => {
    const store = await create({ skipUnchanged: true })
    const first = await store.save('a', everything())
    expect(await store.save('a', everything())).toEqual({ ...first, unchanged: true })
    expect(await store.edit('a', () => {})).toEqual({ ...first, unchanged: true })
    expect(store.version('a')).toBe(1)
    expect(await collect(store.events())).toHaveLength(1)
  })

  test('answers with the receipt of the save that it repeats, also where that one is on its way', async () => {
    const store = await create<number>({ skipUnchanged: true })
    const [first, again, third] = await Promise.all([
      store.save('a', 1),
      store.save('a', 1),
      store.save('a', 2),
    ])
    expect(again).toEqual({ ...first, unchanged: true })
    expect(third).toMatchObject({ version: 2, unchanged: false })
  })

  test('holds within a batch', async () => {
    const store = await create<number>({ skipUnchanged: true })
    const [first, again] = await store.saveAll([
      { id: 'a', state: 1 },
      { id: 'a', state: 1 },
    ])
    expect(again).toEqual({ ...first, unchanged: true })
    expect(store.version('a')).toBe(1)
  })

  test('holds after a restart, with a schema version too', async () => {
    let store = await create({ skipUnchanged: true, schemaVersion: 3 })
    const first = await store.save('a', everything())
    for (const options of [{}, { rebuild: true }]) {
      await store.compact()
      store = await reopen(store, options)
      expect(await store.save('a', everything())).toEqual({ ...first, unchanged: true })
    }
  })

  test('does not swallow the first save, a save after a delete, or a change of order alone', async () => {
    const store = await create<Record<string, number>>({ skipUnchanged: true })
    expect(await store.save('a', { x: 1, y: 2 })).toMatchObject({ version: 1, unchanged: false })
    expect(await store.save('a', { y: 2, x: 1 })).toMatchObject({ version: 2, unchanged: false })
    await store.delete('a')
    expect(await store.save('a', { y: 2, x: 1 })).toMatchObject({ version: 4, unchanged: false })
  })

  test('still moves the expiry, as a touch does', async () => {
    const clock = new TestClock()
    const store = await create<number>({ skipUnchanged: true, clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 10 })
    expect(await store.save('a', 1, { expiresAt: clock.now + 100 })).toMatchObject({ unchanged: true })
    const reopened = await reopen(store)
    clock.now += 99
    expect(reopened.get('a')).toBe(1)
    clock.now += 1
    expect(reopened.get('a')).toBeUndefined()
  })

  test('still checks expectedVersion', async () => {
    const store = await create<number>({ skipUnchanged: true })
    await store.save('a', 1)
    await expect(store.save('a', 1, { expectedVersion: 0 })).rejects.toMatchObject({
      code: 'SESSIONLOG_VERSION_CONFLICT',
    })
  })
})
