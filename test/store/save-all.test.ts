import { describe, expect, test } from 'vitest'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { create, TestClock } from '../support/store.ts'

interface Account {
  balance: number
}

describe('saveAll()', () => {
  test('writes saves, edits and deletes in one commit, visible at once', async () => {
    const db = new ObservedLevel()
    const store = await create<Account>({ db })
    await store.saveAll([
      { id: 'ann', state: { balance: 10 } },
      { id: 'bob', state: { balance: 0 } },
      { id: 'old', state: { balance: 0 } },
    ])
    db.writes.length = 0
    const done = store.saveAll(
      [
        { id: 'ann', edit: account => ({ ...account, balance: account.balance - 3 }) },
        { id: 'bob', edit: account => ({ ...account, balance: account.balance + 3 }), reason: 'own reason' },
        { id: 'old', delete: true, type: 'account-closed' },
      ],
      { actor: 'bank', reason: 'transfer' },
    )
    expect([store.get('ann'), store.get('bob'), store.has('old')]).toEqual([
      { balance: 7 },
      { balance: 3 },
      false,
    ])
    expect((await done).map(receipt => receipt.position)).toEqual([4, 5, 6])
    expect(db.writes).toHaveLength(1)
    const events = await collect(store.events({ after: 3 }))
    expect(events).toMatchObject([
      { sessionId: 'ann', actor: 'bank', reason: 'transfer', type: 'saved' },
      { sessionId: 'bob', actor: 'bank', reason: 'own reason' },
      { sessionId: 'old', actor: 'bank', type: 'account-closed' },
    ])
  })

  test('lets later items see what earlier ones made', async () => {
    const store = await create<Account>()
    const receipts = await store.saveAll([
      { id: 'a', state: { balance: 1 } },
      { id: 'a', edit: account => void account.balance++ },
      { id: 'a', delete: true },
      { id: 'a', state: { balance: 4 } },
      { id: 'a', edit: account => void account.balance++ },
    ])
    expect(receipts.map(receipt => receipt.version)).toEqual([1, 2, 3, 4, 5])
    expect(store.get('a')).toEqual({ balance: 5 })
    const states = await Promise.all([1, 2, 3, 4, 5].map(version => store.stateAt('a', { version })))
    expect(states).toEqual([{ balance: 1 }, { balance: 2 }, undefined, { balance: 4 }, { balance: 5 }])
  })

  test.each([
    ['a state that cannot be stored', { id: 'c', state: (() => {}) as never }, 'SESSIONLOG_INVALID_STATE'],
    ['a conflict', { id: 'c', state: { balance: 1 }, expectedVersion: 9 }, 'SESSIONLOG_VERSION_CONFLICT'],
    ['an edit of nothing', { id: 'c', edit: () => {} }, 'SESSIONLOG_SESSION_NOT_FOUND'],
    ['a bad id', { id: '', state: { balance: 1 } }, 'SESSIONLOG_INVALID_ARGUMENT'],
  ])('with %s anywhere changes nothing at all', async (_, bad, code) => {
    const store = await create<Account>()
    await store.save('a', { balance: 1 })
    const good = [
      { id: 'a', state: { balance: 2 } },
      { id: 'b', state: { balance: 2 } },
    ]
    for (const batch of [
      [bad, ...good],
      [...good, bad],
    ]) {
      expect(await codeOf(() => store.saveAll(batch))).toBe(code)
      expect([store.get('a'), store.version('a'), store.has('b'), store.size]).toEqual([
        { balance: 1 },
        1,
        false,
        1,
      ])
    }
    expect(await collect(store.events())).toHaveLength(1)
  })

  test('whose recipe throws changes nothing at all', async () => {
    const store = await create<Account>()
    await store.save('a', { balance: 1 })
    const thrown = new Error('no')
    const batch = [
      { id: 'b', state: { balance: 2 } },
      {
        id: 'a',
        edit: () => {
          throw thrown
        },
      },
    ]
    expect(await failureOf(() => store.saveAll(batch))).toBe(thrown)
    expect(store.has('b')).toBe(false)
  })

  test('is never seen half by a watcher', async () => {
    const store = await create<number>()
    const seen: unknown[] = []
    store.watch('a').subscribe(() => seen.push([store.get('a'), store.get('b'), store.size]))
    await store.saveAll([
      { id: 'a', state: 1 },
      { id: 'b', state: 1 },
    ])
    expect(seen).toEqual([
      [undefined, undefined, 0],
      [1, 1, 2],
    ])
  })

  test('tells a watcher of every change of its session', async () => {
    const store = await create<number>()
    const seen: unknown[] = []
    store.watch('a').subscribe(state => seen.push(state))
    await store.saveAll([
      { id: 'a', state: 1 },
      { id: 'a', delete: true },
      { id: 'a', state: 3 },
    ])
    expect(seen).toEqual([undefined, 1, undefined, 3])
  })

  test('goes on whole where a watcher of one session saves another of the batch', async () => {
    const store = await create<number>()
    const again = new Set<Promise<unknown>>()
    store.watch('a').subscribe(state => {
      if (state === 1) again.add(store.save('b', 10))
    })
    const receipts = await store.saveAll([
      { id: 'a', state: 1 },
      { id: 'b', state: 2 },
    ])
    await Promise.all(again)
    expect(receipts.map(receipt => receipt.version)).toEqual([1, 1])
    expect(store.get('b')).toBe(10)
    expect((await collect(store.history('b'))).map(event => event.version)).toEqual([1, 2])
    expect(await store.verify()).toMatchObject({ ok: true, position: 3 })
  })

  test('whose recipe saves a session of the batch is refused, and that save stands', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const batch = [
      { id: 'b', state: 2 },
      {
        id: 'a',
        edit: () => {
          store.save('b', 20)
          return 2
        },
      },
    ]
    expect(await codeOf(() => store.saveAll(batch))).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect([store.get('a'), store.get('b'), store.version('b')]).toEqual([1, 20, 1])
    expect(await store.verify()).toMatchObject({ ok: true })
  })

  test('whose recipe saves another session keeps times in the order of positions', async () => {
    const clock = new TestClock(0)
    const store = await create<number>({ clock: () => clock.now++ })
    await store.save('a', 1)
    await store.saveAll([
      { id: 'b', state: 1 },
      {
        id: 'a',
        edit: () => {
          store.save('c', 1)
          return 2
        },
      },
    ])
    const times = (await collect(store.events())).map(event => event.recordedAt)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  test('of nothing answers with nothing', async () => {
    const store = await create()
    expect(await store.saveAll([])).toEqual([])
    expect(await collect(store.events())).toEqual([])
  })

  test('that deletes what is not there answers with an unchanged receipt for that item', async () => {
    const store = await create<number>()
    await store.save('gone', 1)
    const deleted = await store.delete('gone')
    const receipts = await store.saveAll([
      { id: 'never', delete: true },
      { id: 'new', delete: true },
      { id: 'new', state: 1 },
      { id: 'gone', delete: true },
      { id: 'a', state: 1 },
      { id: 'a', delete: true },
      { id: 'a', delete: true },
    ])
    expect(receipts).toMatchObject([
      { sessionId: 'never', version: 0, position: 0, unchanged: true },
      { sessionId: 'new', version: 0, position: 0, unchanged: true },
      { sessionId: 'new', version: 1, unchanged: false },
      { ...deleted, unchanged: true },
      { version: 1, unchanged: false },
      { version: 2, unchanged: false },
      { version: 2, position: 5, unchanged: true },
    ])
    expect(store.version('never')).toBe(0)
  })

  test('of ten thousand sessions is one commit', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    db.writes.length = 0
    const receipts = await store.saveAll(
      Array.from({ length: 10_000 }, (_, n) => ({ id: `s${n}`, state: n })),
    )
    expect(receipts.at(-1)).toMatchObject({ position: 10_000 })
    expect(db.writes).toHaveLength(1)
    expect(db.written('c')).toHaveLength(1)
  })
})
