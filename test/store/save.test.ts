import { describe, expect, test } from 'vitest'
import { collect, failureOf } from '../support/outcome.ts'
import { create, reopen, TestClock } from '../support/store.ts'

describe('save()', () => {
  test('is visible before it returns', async () => {
    const store = await create<{ n: number }>()
    const saved = store.save('a', { n: 1 })
    expect(store.get('a')).toEqual({ n: 1 })
    expect(store.has('a')).toBe(true)
    expect(store.version('a')).toBe(1)
    expect([...store.ids()]).toEqual(['a'])
    expect(store.size).toBe(1)
    await saved
  })

  test('answers with a receipt that says where the event landed', async () => {
    const clock = new TestClock(1_000)
    const store = await create({ clock: clock.read })
    await store.save('other', 0)
    clock.now = 2_000
    expect(await store.save('a', 1)).toEqual({
      sessionId: 'a',
      version: 1,
      position: 2,
      recordedAt: 2_000,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      deduplicated: false,
      unchanged: false,
      durability: 'synced',
    })
  })

  test('records what the caller says about the event, as given', async () => {
    const said = {
      actor: 'ann',
      reason: 'because',
      type: 'item-added',
      data: { input: [1, new Date(5)] },
      eventId: 'e1',
      correlationId: 'c1',
      causationId: 'c0',
      occurredAt: -1.5,
      expiresAt: 9e15,
    }
    let store = await create()
    await store.save('a', 1, said)
    for (let round = 0; round < 2; round++) {
      const [event] = await collect(store.history('a'))
      expect(event).toEqual({
        ...said,
        sessionId: 'a',
        version: 1,
        position: 1,
        recordedAt: expect.any(Number),
        schemaVersion: 0,
        changes: [{ op: 'add', path: '', value: 1 }],
        hash: expect.any(String),
        previousHash: '0'.repeat(64),
      })
      store = await reopen(store)
    }
  })

  test('keeps texts that are not well-formed Unicode, too', async () => {
    const said = {
      actor: '\ud800x',
      reason: 'a\udc00',
      type: '\ud83d',
      correlationId: '\udfff',
      causationId: '\ud800',
    }
    const store = await create()
    await store.save('a', 1, said)
    const reopened = await reopen(store)
    expect(await collect(reopened.history('a'))).toMatchObject([said])
    expect(await reopened.verify()).toMatchObject({ ok: true })
  })

  test('leaves out of an event what the caller did not say', async () => {
    const store = await create()
    await store.save('a', 1)
    const [event] = await collect(store.history('a'))
    expect(Object.keys(event!)).toEqual([
      'sessionId',
      'version',
      'position',
      'type',
      'recordedAt',
      'schemaVersion',
      'changes',
      'hash',
      'previousHash',
    ])
    expect(event!.type).toBe('saved')
  })

  test('of many at once keeps the order of the calls', async () => {
    const store = await create<number>()
    const saves = Array.from({ length: 1_000 }, (_, n) => store.save(`s${n % 7}`, n))
    const receipts = await Promise.all(saves)
    expect(receipts.map(receipt => receipt.position)).toEqual(receipts.map((_, n) => n + 1))
    expect(receipts.map(receipt => receipt.version)).toEqual(receipts.map((_, n) => Math.floor(n / 7) + 1))
  })

  test.each([
    ['any value of JSON at the root', 'text'],
    ['a number', -0],
    ['null', null],
    ['false', false],
    ['an array', [1, [2]]],
    ['a Map', new Map([[1, 2]])],
    ['bytes', new Uint8Array([1])],
    ['an empty string', ''],
  ])('takes %s as a whole state', async (_, state) => {
    const store = await create()
    await store.save('a', 'before')
    await store.save('a', state)
    await store.edit('a', () => state)
    expect((await reopen(store)).get('a')).toEqual(state)
  })

  test('of undefined is refused: a session without a state is a deleted one', async () => {
    const store = await create()
    await store.save('a', 1)
    expect(await failureOf(() => store.save('a', undefined))).toMatchObject({
      code: 'SESSIONLOG_INVALID_STATE',
      path: '',
    })
    expect(store.get('a')).toBe(1)
    expect(store.version('a')).toBe(1)
  })

  test('made while another is being prepared conflicts with that one, and nothing is lost', async () => {
    const store = await create<unknown>()
    const state = {
      get inner() {
        store.save('a', 'from the getter')
        return 1
      },
    }
    expect(await failureOf(() => store.save('a', state))).toMatchObject({
      code: 'SESSIONLOG_VERSION_CONFLICT',
      expected: 0,
      actual: 1,
    })
    expect(store.get('a')).toBe('from the getter')
    expect(await collect(store.history('a'))).toHaveLength(1)
  })
})
