import { firstValueFrom } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { create, reopen, TestClock } from '../support/store.ts'

const types = async (store: Awaited<ReturnType<typeof create>>, id = 'a') =>
  (await collect(store.history(id))).map(event => event.type)

describe('A session whose time is up', () => {
  test.each<[string, (store: Awaited<ReturnType<typeof create>>) => unknown]>([
    ['get()', store => store.get('a')],
    ['has()', store => store.has('a') || undefined],
    ['ids()', store => [...store.ids()][0]],
    ['size', store => store.size || undefined],
  ])('is gone for %s in that very moment, by an event of its own', async (_, read) => {
    const clock = new TestClock()
    const store = await create({ clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 10 })
    clock.now += 9
    expect(read(store)).toBeDefined()
    clock.now += 1
    expect(read(store)).toBeUndefined()
    expect(store.version('a')).toBe(2)
    const [, expired] = await collect(store.history('a'))
    expect(expired).toMatchObject({ type: '$expired', version: 2, changes: [{ op: 'remove', path: '' }] })
    expect(await types(store)).toEqual(['saved', '$expired'])
  })

  test('counts as no session for a save, an edit and a delete', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    for (const id of ['a', 'b', 'c']) store.save(id, 1, { expiresAt: clock.now + 10 })
    clock.now += 10
    expect(await store.save('a', 2, { expectedVersion: 'no_session' })).toMatchObject({ version: 3 })
    expect(await codeOf(() => store.edit('b', () => 2))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    expect(await store.delete('c')).toBeUndefined()
    expect(store.get('a')).toBe(2)
  })

  test('ends by itself in the background, and followers are told', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 1 })
    clock.now += 1
    const [event] = await firstValueFrom(store.commits)
    expect(event).toMatchObject({ sessionId: 'a', type: '$expired' })
  })

  test('tells a watcher', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 1 })
    const seen: unknown[] = []
    store.watch('a').subscribe(state => seen.push(state))
    clock.now += 1
    store.get('a')
    expect(seen).toEqual([1, undefined])
  })

  test('is not asked for an actor', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read, requireActor: true })
    await store.save('a', 1, { expiresAt: clock.now, actor: 'ann' })
    expect(store.has('a')).toBe(false)
    expect(await types(store as never)).toEqual(['saved', '$expired'])
  })

  test.each([
    0,
    -1,
    -1.5,
    Number.NEGATIVE_INFINITY,
  ])('may have been up at once: expiresAt %s', async expiresAt => {
    const store = await create<number>()
    await store.save('a', 1, { expiresAt })
    const reopened = await reopen(store)
    expect(reopened.has('a')).toBe(false)
    expect(await types(reopened as never)).toEqual(['saved', '$expired'])
    expect(await reopened.verify()).toMatchObject({ ok: true })
  })
})

describe('expiresAt', () => {
  test('stays as it was where a save does not name it, and Infinity takes it back', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    for (const id of ['a', 'b']) {
      await store.save(id, 1, { expiresAt: clock.now + 10 })
      await store.save(id, 2)
    }
    await store.save('b', 3, { expiresAt: Number.POSITIVE_INFINITY })
    clock.now += 10
    const reopened = await reopen(store)
    expect([reopened.has('a'), reopened.has('b')]).toEqual([false, true])
  })

  test('of a deleted session is forgotten, over a restart and a compaction too', async () => {
    for (const compacts of [false, true]) {
      const clock = new TestClock()
      let store = await create<number>({ clock: clock.read })
      await store.save('gone', 1, { expiresAt: clock.now + 10 })
      await store.delete('gone')
      await store.save('back', 1, { expiresAt: clock.now + 10 })
      await store.delete('back')
      await store.save('back', 2)
      if (compacts) await store.compact()
      clock.now += 10
      store = await reopen(store)
      expect([...store.ids()]).toEqual(['back'])
      expect(await types(store as never, 'gone')).toEqual(['saved', 'deleted'])
      expect(await types(store as never, 'back')).toEqual(['saved', 'deleted', 'saved'])
    }
  })

  test('is answered by expiresAt() as it is now: saved, touched, never, gone', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    expect(store.expiresAt('a')).toBeUndefined()
    await store.save('a', 1)
    expect(store.expiresAt('a')).toBe(Number.POSITIVE_INFINITY)
    await store.save('a', 2, { expiresAt: clock.now + 10 })
    expect(store.expiresAt('a')).toBe(clock.now + 10)
    store.touch('a', clock.now + 20)
    expect(store.expiresAt('a')).toBe(clock.now + 20)
    clock.now += 20
    expect(store.expiresAt('a')).toBeUndefined()
  })

  test('is in the receipt of nothing, and in the event', async () => {
    const store = await create<number>()
    await store.save('a', 1, { expiresAt: 9e15 })
    expect(await collect(store.history('a'))).toMatchObject([{ expiresAt: 9e15 }])
  })
})

describe('touch()', () => {
  test('moves the expiry without an event', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 10 })
    store.touch('a', clock.now + 100)
    clock.now += 50
    expect(store.get('a')).toBe(1)
    expect(store.version('a')).toBe(1)
    clock.now += 50
    expect(store.get('a')).toBeUndefined()
  })

  test('never creates a session, and does not revive one', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    store.touch('never', clock.now + 1_000)
    await store.save('gone', 1)
    await store.delete('gone')
    store.touch('gone', clock.now + 1_000)
    await store.save('late', 1, { expiresAt: clock.now })
    store.touch('late', clock.now + 1_000)
    expect(store.size).toBe(0)
    clock.now += 1_000
    const reopened = await reopen(store)
    expect(reopened.size).toBe(0)
    expect(reopened.version('never')).toBe(0)
    expect(await types(reopened as never, 'gone')).toEqual(['saved', 'deleted'])
  })

  test('is coalesced: many of them cost one small write', async () => {
    const clock = new TestClock()
    const db = new ObservedLevel()
    const store = await create<number>({ db, clock: clock.read })
    await store.saveAll([
      { id: 'a', state: 1 },
      { id: 'b', state: 1 },
    ])
    db.writes.length = 0
    for (let n = 1; n <= 1_000; n++) store.touch(n % 2 === 0 ? 'a' : 'b', clock.now + n)
    await store.flush()
    expect(db.writes.filter(write => [...write.puts.keys()].some(key => key.startsWith('x')))).toHaveLength(1)
    expect(db.written('x')).toHaveLength(2)
    expect(db.written('t')).toEqual([])
  })

  test.each([
    'no compaction',
    'a compaction before',
    'a compaction after',
  ])('is kept over a restart, with %s', async when => {
    const clock = new TestClock()
    let store = await create<number>({ clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 10 })
    if (when.endsWith('before')) await store.compact()
    store.touch('a', clock.now + 100)
    if (when.endsWith('after')) await store.compact()
    store = await reopen(store)
    clock.now += 99
    expect(store.get('a')).toBe(1)
    store = await reopen(store, { rebuild: true })
    expect(store.get('a')).toBe(1)
    clock.now += 1
    expect(store.get('a')).toBeUndefined()
  })

  test('gives way to an expiry that a later event names, over a restart too', async () => {
    const clock = new TestClock()
    let store = await create<number>({ clock: clock.read })
    await store.save('a', 1)
    store.touch('a', clock.now + 10)
    await store.save('a', 2, { expiresAt: clock.now + 100 })
    await store.save('b', 1, { expiresAt: clock.now + 10 })
    store.touch('b', clock.now + 100)
    await store.save('b', 2)
    store = await reopen(store)
    clock.now += 50
    expect([store.get('a'), store.get('b')]).toEqual([2, 2])
    clock.now += 50
    expect([store.get('a'), store.get('b')]).toEqual([undefined, undefined])
  })

  test('may end a session at once', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    await store.save('a', 1)
    store.touch('a', clock.now)
    expect(store.has('a')).toBe(false)
  })

  test('may go far beyond what a timer can wait for', async () => {
    const store = await create<number>()
    await store.save('a', 1, { expiresAt: Date.now() + 2 ** 40 })
    store.touch('a', Number.MAX_VALUE)
    expect((await reopen(store)).get('a')).toBe(1)
  })
})
