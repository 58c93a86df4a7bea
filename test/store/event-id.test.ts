import { describe, expect, test } from 'vitest'
import { Chance } from '../support/chance.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { create, reopen } from '../support/store.ts'

describe('A write with a known event id', () => {
  test('answers with the first receipt and writes nothing', async () => {
    const store = await create<number>()
    const first = await store.save('a', 1, { eventId: 'e' })
    await store.save('a', 2)
    const again = await store.save('a', 1, { eventId: 'e' })
    expect(again).toEqual({ ...first, deduplicated: true })
    expect(store.get('a')).toBe(2)
    expect(await collect(store.history('a'))).toHaveLength(2)
  })

  test('answers so whatever expectedVersion says', async () => {
    const store = await create<number>()
    await store.save('a', 1, { eventId: 'e', expectedVersion: 0 })
    expect(await store.save('a', 1, { eventId: 'e', expectedVersion: 0 })).toMatchObject({
      deduplicated: true,
    })
    expect(await store.save('a', 1, { eventId: 'e', expectedVersion: 77 })).toMatchObject({
      deduplicated: true,
    })
  })

  test('gets the same promise while the first is still on its way', async () => {
    const store = await create<number>()
    const first = store.save('a', 1, { eventId: 'e' })
    const second = store.save('a', 1, { eventId: 'e' })
    expect(second).toBe(first)
    expect(store.version('a')).toBe(1)
    expect(await first).toMatchObject({ version: 1, deduplicated: false })
  })

  test('is recognised after a restart, a compaction and a rebuild', async () => {
    let store = await create()
    const first = await store.save('a', everything(), { eventId: 'e', data: everything(), type: 't' })
    for (let n = 0; n < 5; n++) await store.save('a', n)
    for (const options of [{}, { rebuild: true }]) {
      await store.compact()
      store = await reopen(store, options)
      const again = await store.save('a', everything(), { eventId: 'e', data: everything(), type: 't' })
      expect(again).toEqual({ ...first, deduplicated: true })
    }
    expect(store.version('a')).toBe(6)
  })

  test.each<[string, (store: Awaited<ReturnType<typeof create>>) => unknown]>([
    ['another state', store => store.save('a', { n: 2 }, { eventId: 'e', type: 't', data: 1 })],
    ['keys in another order', store => store.save('a', { m: 1, n: 1 }, { eventId: 'e', type: 't', data: 1 })],
    ['another type', store => store.save('a', { n: 1, m: 1 }, { eventId: 'e', type: 'u', data: 1 })],
    ['no type', store => store.save('a', { n: 1, m: 1 }, { eventId: 'e', data: 1 })],
    ['other data', store => store.save('a', { n: 1, m: 1 }, { eventId: 'e', type: 't', data: 2 })],
    ['no data', store => store.save('a', { n: 1, m: 1 }, { eventId: 'e', type: 't' })],
    ['a delete', store => store.delete('a', { eventId: 'e', type: 't', data: 1 })],
    ['an edit of another type', store => store.edit('a', () => {}, { eventId: 'e', type: 'u', data: 1 })],
  ])('and %s is refused, recorded or on its way, and changes nothing', async (_, reuse) => {
    const store = await create<unknown>()
    const first = store.save('a', { n: 1, m: 1 }, { eventId: 'e', type: 't', data: 1 })
    expect(await codeOf(() => reuse(store))).toBe('SESSIONLOG_EVENT_ID_REUSED')
    await first
    expect(await codeOf(() => reuse(store))).toBe('SESSIONLOG_EVENT_ID_REUSED')
    expect(store.get('a')).toEqual({ n: 1, m: 1 })
    expect(store.version('a')).toBe(1)
  })

  test('that was a delete is recognised by a delete, also where the session lives again', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const first = await store.delete('a', { eventId: 'd' })
    expect(await store.delete('a', { eventId: 'd' })).toEqual({ ...first, deduplicated: true })
    await store.save('a', 3)
    expect(await store.delete('a', { eventId: 'd' })).toEqual({ ...first, deduplicated: true })
    expect(store.get('a')).toBe(3)
    expect(await codeOf(() => store.save('a', 1, { eventId: 'd' }))).toBe('SESSIONLOG_EVENT_ID_REUSED')
  })

  test('does not run the recipe of an edit, recorded or on its way', async () => {
    const store = await create<{ n: number }>()
    await store.save('a', { n: 0 })
    let ran = 0
    const recipe = (draft: { n: number }) => {
      ran++
      draft.n++
    }
    const first = store.edit('a', recipe, { eventId: 'e' })
    expect(store.edit('a', recipe, { eventId: 'e' })).toBe(first)
    const receipt = await first
    expect(await store.edit('a', recipe, { eventId: 'e' })).toEqual({ ...receipt, deduplicated: true })
    await store.delete('a')
    expect(await store.edit('a', recipe, { eventId: 'e' })).toEqual({ ...receipt, deduplicated: true })
    expect(ran).toBe(1)
  })

  test('in another session is a write of its own, whatever the ids are made of', async () => {
    const store = await create<number>()
    const saves = [
      store.save('a', 1, { eventId: 'b\0c' }),
      store.save('a\0b', 2, { eventId: 'c' }),
      store.save('a', 3, { eventId: 'c' }),
      store.save('1', 4, { eventId: '1 c' }),
      store.save('1 1', 5, { eventId: 'c' }),
    ]
    const receipts = await Promise.all(saves)
    expect(receipts.map(receipt => receipt.deduplicated)).toEqual(receipts.map(() => false))
    expect(await store.save('a\0b', 2, { eventId: 'c' })).toMatchObject({ deduplicated: true, position: 2 })
  })

  test('is found by ids of any length that are not ASCII', async () => {
    const chance = new Chance(1)
    const store = await create<number>()
    const ids = Array.from(
      { length: 600 },
      (_, n) => `${n}${['é', '名', '😀'][n % 3]!.repeat(chance.below(240))}`,
    )
    for (const [n, id] of ids.entries()) store.save(id, n, { eventId: id })
    await store.flush()
    for (const [n, id] of ids.entries()) {
      expect(await store.save(id, n, { eventId: id })).toMatchObject({ deduplicated: true })
    }
    expect(await store.verify()).toMatchObject({ ok: true })
  })

  test('is compared with what the caller gave, not with what became of it', async () => {
    const store = await create<{ list: number[] }>()
    await store.save('a', { list: [1] }, { eventId: 'e', data: { n: 1 } })
    const state = { list: [1] }
    const data = { n: 1 }
    const again = store.save('a', state, { eventId: 'e', data })
    state.list.push(2)
    data.n = 2
    expect(await again).toMatchObject({ deduplicated: true })
  })

  test('that was refused or lost in a conflict is free', async () => {
    const store = await create<number>()
    await codeOf(() => store.save('a', 1, { eventId: 'e', expectedVersion: 5 }))
    expect(await store.save('a', 2, { eventId: 'e' })).toMatchObject({ version: 1, deduplicated: false })
  })
})

test('A write without an event id costs no entry for ids', async () => {
  const db = new ObservedLevel()
  const store = await create<number>({ db })
  await Promise.all(Array.from({ length: 10 }, (_, n) => store.save('a', n)))
  expect(db.written('i')).toEqual([])
  await store.save('a', 1, { eventId: 'e' })
  expect(db.written('i')).toHaveLength(1)
})

describe('Event ids in a batch', () => {
  test('make the items that came before answer with their receipts, in the same commit as the new ones', async () => {
    const store = await create<number>()
    const first = await store.save('a', 1, { eventId: 'e' })
    const receipts = await store.saveAll([
      { id: 'a', state: 1, eventId: 'e' },
      { id: 'b', state: 2, eventId: 'e' },
    ])
    expect(receipts).toMatchObject([
      { ...first, deduplicated: true },
      { version: 1, position: 2 },
    ])
  })

  test('make a batch that is sent twice one batch', async () => {
    const store = await create<number>()
    const batch = [
      { id: 'a', state: 1 },
      { id: 'b', state: 2 },
    ]
    const first = store.saveAll(batch, { eventId: 'e' })
    const second = store.saveAll(batch, { eventId: 'e' })
    const receipts = await first
    expect(await second).toEqual(receipts)
    expect(await store.saveAll(batch, { eventId: 'e' })).toEqual(
      receipts.map(receipt => ({ ...receipt, deduplicated: true })),
    )
    expect(await collect(store.events())).toHaveLength(2)
  })

  test('that were reused for other content refuse all of it', async () => {
    const store = await create<number>()
    await store.save('a', 1, { eventId: 'e' })
    for (const batch of [
      [
        { id: 'b', state: 2 },
        { id: 'a', state: 9, eventId: 'e' },
      ],
      [
        { id: 'a', state: 9, eventId: 'e' },
        { id: 'b', state: 2 },
      ],
    ]) {
      expect(await codeOf(() => store.saveAll(batch))).toBe('SESSIONLOG_EVENT_ID_REUSED')
      expect(store.has('b')).toBe(false)
    }
    expect(await collect(store.events())).toHaveLength(1)
  })

  test('must differ within a session', async () => {
    const store = await create<number>()
    const twice = [
      { id: 'a', state: 1, eventId: 'e' },
      { id: 'a', state: 1, eventId: 'e' },
    ]
    expect(await codeOf(() => store.saveAll(twice))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(store.has('a')).toBe(false)
  })

  test('are noted: a save with one of them gets its receipt, on the way or recorded', async () => {
    const store = await create<number>()
    const batch = store.saveAll([
      { id: 'a', state: 1, eventId: 'one' },
      { id: 'a', state: 2, eventId: 'two' },
    ])
    const pending = store.save('a', 1, { eventId: 'one' })
    const [one, two] = await batch
    expect(await pending).toMatchObject({ version: one!.version, hash: one!.hash })
    expect(await store.save('a', 2, { eventId: 'two' })).toEqual({ ...two, deduplicated: true })
  })
})
