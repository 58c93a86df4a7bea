import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { collect, failureOf } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'

const versions = async (store: SessionStore<unknown>, options = {}, id = 'a') =>
  (await collect(store.history(id, options))).map(event => event.version)

/** Twelve versions over several commits, sealed up to some version, so that a range may lie across. */
async function twelve(sealed: number) {
  const store = await create<number>()
  for (let n = 1; n <= 12; n++) {
    const saved = store.save('a', n)
    store.save('b', n)
    if (n % 3 !== 1) await saved
    if (n === sealed) await store.compact()
  }
  return store
}

describe.each([0, 5, 12])('history() of twelve versions, %s of them sealed', sealed => {
  test.each<[object, number[]]>([
    [{}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ from: 4 }, [4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ to: 3 }, [1, 2, 3]],
    [{ from: 5, to: 7 }, [5, 6, 7]],
    [{ from: 7, to: 7 }, [7]],
    [{ from: 0, to: 1 }, [1]],
    [{ from: 11, to: 99 }, [11, 12]],
    [{ from: 13 }, []],
    [{ from: 7, to: 6 }, []],
    [{ to: 0 }, []],
    [{ reverse: true }, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
    [{ reverse: true, from: 5, to: 8 }, [8, 7, 6, 5]],
    [{ reverse: true, from: 12 }, [12]],
  ])('with %o gives versions %j', async (options, expected) => {
    const store = await twelve(sealed)
    expect(await versions(store as never, options)).toEqual(expected)
    expect(await versions((await reopen(store)) as never, options)).toEqual(expected)
  })
})

describe('history()', () => {
  test('links each event to the one before', async () => {
    const store = await twelve(5)
    const events = await collect(store.history('a'))
    for (const [index, event] of events.entries()) {
      expect(event.previousHash).toBe(events[index - 1]?.hash ?? '0'.repeat(64))
    }
    expect(new Set(events.map(event => event.hash)).size).toBe(12)
  })

  test('says the same before and after events are sealed, and in both directions', async () => {
    const store = await create()
    for (let n = 0; n < 30; n++) store.save('a', { n, list: Array.from({ length: n }, (_, i) => i) })
    const before = await collect(store.history('a'))
    expect((await collect(store.history('a', { reverse: true }))).reverse()).toEqual(before)
    await store.compact()
    expect(await collect(store.history('a'))).toEqual(before)
    expect(await collect((await reopen(store, { rebuild: true })).history('a'))).toEqual(before)
  })

  test('holds what was saved right before the call', async () => {
    const store = await create<number>()
    store.save('a', 1)
    store.save('a', 2)
    expect(await versions(store as never)).toEqual([1, 2])
  })

  test('ends where the session was when it began, while saves go on', async () => {
    const store = await create<number>()
    for (let n = 1; n <= 3; n++) await store.save('a', n)
    const seen: number[] = []
    for await (const { version } of store.history('a')) {
      seen.push(version)
      await store.save('a', 10 + version)
    }
    expect(seen).toEqual([1, 2, 3])
    expect(store.version('a')).toBe(6)
  })

  test('of a session that never was gives nothing', async () => {
    expect(await versions(await create())).toEqual([])
  })

  test('gives events that cannot be changed', async () => {
    const store = await create<object>()
    await store.save('a', { n: 1 }, { data: { n: 1 } })
    const [event] = await collect(store.history('a'))
    expect(Object.isFrozen(event)).toBe(true)
    expect(Object.isFrozen(event!.data)).toBe(true)
  })

  test('stops with the reason of its signal', async () => {
    const store = await twelve(0)
    const reason = new Error('enough')
    expect(await failureOf(() => collect(store.history('a', { signal: AbortSignal.abort(reason) })))).toBe(
      reason,
    )
    const controller = new AbortController()
    const seen: number[] = []
    const failure = await failureOf(async () => {
      for await (const { version } of store.history('a', { signal: controller.signal })) {
        seen.push(version)
        controller.abort(reason)
      }
    })
    expect(failure).toBe(reason)
    expect(seen.length).toBeLessThan(12)
  })

  test('may be left in the middle', async () => {
    const store = await twelve(5)
    for await (const { version } of store.history('a')) if (version === 3) break
    await store.close()
  })
})
