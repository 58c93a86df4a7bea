import { describe, expect, test } from 'vitest'
import { apply } from '../../src/state/apply.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, failureOf } from '../support/outcome.ts'
import { sized } from '../support/states.ts'
import { create, reopen, TestClock } from '../support/store.ts'

describe('stateAt() by version', () => {
  test('gives every version, across compactions and restarts', async () => {
    let store = await create<unknown>()
    const states: unknown[] = [undefined]
    const check = async () => {
      for (const [version, state] of states.entries()) {
        expect(await store.stateAt('a', { version })).toEqual(state)
      }
    }
    for (let n = 1; n <= 60; n++) {
      if (n % 13 === 0) {
        await store.delete('a')
        states.push(undefined)
      } else {
        const state = { n, words: Array.from({ length: n % 20 }, (_, i) => `word ${i * n}`) }
        await store.save('a', state)
        states.push(state)
      }
      if (n % 20 === 0) {
        await check()
        await store.compact()
      }
      if (n % 30 === 0) store = await reopen(store, { rebuild: n === 30 })
    }
    await check()
  })

  test('of a version that does not exist yet is an error, not the latest', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    expect(await failureOf(() => store.stateAt('a', { version: 2 }))).toMatchObject({
      code: 'SESSIONLOG_VERSION_NOT_FOUND',
      sessionId: 'a',
      version: 2,
    })
    expect(await codeOf(() => store.stateAt('nobody', { version: 1 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await store.stateAt('nobody', { version: 0 })).toBeUndefined()
  })

  test('finds what was saved right before the call', async () => {
    const store = await create<number>()
    store.save('a', 1)
    expect(await store.stateAt('a', { version: 1 })).toBe(1)
  })

  test('stops with the reason of its signal', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    expect(await failureOf(() => store.stateAt('a', { version: 1, signal }))).toBe(reason)
    expect(await failureOf(() => store.stateAt('a', { time: 1, signal }))).toBe(reason)
    expect(await failureOf(() => store.stateAt('a', { time: 1, by: 'occurred', signal }))).toBe(reason)
  })
})

describe('stateAt() by recorded time', () => {
  test('gives the last state that was there at that time', async () => {
    const clock = new TestClock(1_000)
    let store = await create<number>({ clock: clock.read })
    // Versions 1 to 20, two at each time.
    for (let n = 1; n <= 20; n++) {
      await store.save('a', n)
      if (n % 2 === 0) clock.now += 100
      if (n === 12) await store.compact()
    }
    for (let round = 0; round < 2; round++) {
      expect(await store.stateAt('a', { time: 999 })).toBeUndefined()
      for (let pair = 0; pair < 10; pair++) {
        const time = 1_000 + 100 * pair
        expect(await store.stateAt('a', { time })).toBe(2 * pair + 2)
        expect(await store.stateAt('a', { time: time + 99.9 })).toBe(2 * pair + 2)
        expect(await store.stateAt('a', { time: time - 0.5 })).toBe(pair === 0 ? undefined : 2 * pair)
      }
      expect(await store.stateAt('a', { time: 9e15 })).toBe(20)
      expect(await store.stateAt('a', { time: Number.POSITIVE_INFINITY })).toBe(20)
      store = await reopen(store)
    }
  })

  test('of nobody is undefined', async () => {
    const store = await create()
    expect(await store.stateAt('nobody', { time: 9e15 })).toBeUndefined()
    expect(await store.stateAt('nobody', { time: 9e15, by: 'occurred' })).toBeUndefined()
  })

  test('goes by the order of events where the clock stepped back', async () => {
    const clock = new TestClock(1_000)
    const store = await create<number>({ clock: clock.read })
    await store.save('a', 1)
    clock.now = 500
    await store.save('a', 2)
    expect(await store.stateAt('a', { time: 999 })).toBeUndefined()
    expect(await store.stateAt('a', { time: 1_000 })).toBe(2)
  })
})

describe("stateAt() by the callers' time", () => {
  test('gives the latest version whose time is not after the one asked for', async () => {
    const clock = new TestClock(10_000)
    const store = await create<number>({ clock: clock.read })
    for (const [n, occurredAt] of [100, 300, 200, 400].entries()) await store.save('a', n + 1, { occurredAt })
    for (let round = 0; round < 2; round++) {
      const at = (time: number) => store.stateAt('a', { time, by: 'occurred' })
      expect(await at(99)).toBeUndefined()
      expect(await at(100)).toBe(1)
      expect(await at(250)).toBe(3)
      expect(await at(300)).toBe(3)
      expect(await at(399)).toBe(3)
      expect(await at(400)).toBe(4)
      await store.compact()
    }
  })

  test("is the store's own where a caller gave none", async () => {
    const clock = new TestClock(1_000)
    const store = await create<number>({ clock: clock.read })
    await store.save('a', 1, { occurredAt: 500 })
    await store.save('a', 2)
    expect(await store.stateAt('a', { time: 999, by: 'occurred' })).toBe(1)
    expect(await store.stateAt('a', { time: 1_000, by: 'occurred' })).toBe(2)
    expect(await store.stateAt('a', { time: 999 })).toBeUndefined()
  })
})

/** A session's history of small edits, in a database that counts what is read. */
async function edited(bytes: number, edits: number) {
  const db = new ObservedLevel()
  const store = await create<ReturnType<typeof sized>>({ db })
  await store.save('a', sized(bytes))
  for (let n = 0; n < edits; n++) {
    const saved = store.edit('a', draft => {
      draft.items[(n * 31) % draft.items.length]!.price = n + 0.5
    })
    if (n % 3 === 0) await saved
  }
  await store.flush()
  return { db, store }
}

describe("stateAt() reads about twice the state's size at the most", () => {
  test.each([
    ['100 bytes', 100, 300],
    ['1 kB', 1_000, 300],
    ['100 kB', 100_000, 3_000],
  ])('of a state of %s', async (_, bytes, edits) => {
    const { db, store } = await edited(bytes, edits)
    // A state's size, and what a record of one event takes at least.
    const size = Buffer.byteLength(JSON.stringify(store.get('a')))
    const limit = 2.2 * size + 2_048
    for (const part of ['unsealed', 'sealed']) {
      const most = { bytes: 0, version: 0 }
      for (let version = 1; version <= edits; version += Math.ceil(edits / 60)) {
        db.reads.clear()
        await store.stateAt('a', { version })
        if (db.bytesRead > most.bytes) Object.assign(most, { bytes: db.bytesRead, version })
      }
      expect(most.bytes, `${part}, version ${most.version}`).toBeGreaterThan(0)
      expect(most.bytes, `${part}, version ${most.version}`).toBeLessThan(limit)
      await store.compact()
    }
  })
})

describe('stateAt() by position', () => {
  test('gives the state that the session had when the store was there', async () => {
    const store = await create<string>()
    const order = ['a', 'b', 'a', 'c', 'b', 'a', 'a', 'b']
    for (const [n, id] of order.entries()) await store.save(id, `${id}${n + 1}`)
    await store.compact()
    for (const id of ['a', 'b', 'c', 'd']) {
      for (let position = 0; position <= order.length; position++) {
        const last = order.slice(0, position).lastIndexOf(id)
        expect(await store.stateAt(id, { position })).toBe(last < 0 ? undefined : `${id}${last + 1}`)
      }
    }
  })

  test('beyond the last is an error that says what there is', async () => {
    const store = await create<string>()
    await store.save('a', 'x')
    const failure = await failureOf(() => store.stateAt('a', { position: 2 }))
    expect(failure).toMatchObject({ code: 'SESSIONLOG_VERSION_NOT_FOUND' })
    expect(String(failure)).toContain('its last is 1')
    expect(await codeOf(() => store.stateAt('a', { position: 1, version: 1 } as never))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
  })
})

describe('diff()', () => {
  test('makes the state at one point out of that at any other', async () => {
    const store = await create<unknown>()
    const states: unknown[] = [undefined]
    for (let n = 1; n <= 12; n++) {
      if (n === 7) await store.delete('a')
      else await store.save('a', sized(200 + 40 * n))
      states.push(store.get('a'))
    }
    for (const [from, before] of states.entries()) {
      for (const [to, after] of states.entries()) {
        const changes = await store.diff('a', from, to)
        expect(apply(changes, before)).toEqual(after)
        if (from === to) expect(changes).toEqual([])
      }
    }
  })

  test('takes points of every kind, and refuses what is not there', async () => {
    const clock = new TestClock(1_000)
    const store = await create<{ n: number; of: string }>({ clock: clock.read })
    await store.save('a', { n: 1, of: 'a' })
    clock.now += 100
    await store.save('a', { n: 2, of: 'a' })
    const changes = [{ op: 'replace', path: '/n', value: 2 }]
    expect(await store.diff('a', { time: 1_050 }, { position: 2 })).toEqual(changes)
    expect(await store.diff('a', 1, { version: 2 })).toEqual(changes)
    expect(await codeOf(() => store.diff('a', 1, 3))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await codeOf(() => store.diff('a', 1, -1))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })
})
