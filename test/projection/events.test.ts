import { describe, expect, test } from 'vitest'
import type { RecordedEvent } from '../../src/index.ts'
import { collect, deferred, failureOf } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'

const positions = (events: readonly RecordedEvent[]) => events.map(event => event.position)
const upTo = (count: number, after = 0) => Array.from({ length: count }, (_, n) => after + n + 1)

describe('events()', () => {
  test("gives every session's events in commit order, from any position on", async () => {
    let store = await create<number>()
    for (let n = 0; n < 50; n++) {
      const saved = store.save(`s${n % 7}`, n)
      if (n % 5 === 0) await saved
      if (n === 30) await store.compact()
    }
    const all = await collect(store.events())
    expect(positions(all)).toEqual(upTo(50))
    for (const after of [0, 1, 17, 31, 32, 49, 50, 99]) {
      expect(await collect(store.events({ after }))).toEqual(all.slice(after))
    }
    await store.compact()
    store = await reopen(store)
    expect(await collect(store.events())).toEqual(all)
    for (const after of [0, 1, 17, 31, 49, 50]) {
      expect(await collect(store.events({ after }))).toEqual(all.slice(after))
    }
  })

  test('holds what was saved right before the call', async () => {
    const store = await create<number>()
    store.save('a', 1)
    expect(await collect(store.events())).toHaveLength(1)
  })

  test('says the same as commits and history()', async () => {
    const store = await create<unknown>()
    const committed: RecordedEvent[] = []
    store.commits.subscribe(events => committed.push(...events))
    for (let n = 0; n < 20; n++) {
      store.save('a', { n, text: 'x'.repeat(n * 10), date: new Date(n) }, { actor: `u${n % 3}`, data: { n } })
      store.save(
        'b',
        Array.from({ length: n }, (_, i) => i * n),
      )
      if (n % 6 === 5) store.delete('b', { reason: 'because' })
    }
    await store.flush()
    expect(committed).toEqual(await collect(store.events()))
    const ofA = committed.filter(event => event.sessionId === 'a')
    expect(ofA).toEqual(await collect(store.history('a')))
  })

  test('is not disturbed by sessions that share a commit', async () => {
    const store = await create<number>()
    await store.saveAll([
      { id: 'b', state: 1 },
      { id: 'a', state: 1 },
      { id: 'b', state: 2 },
      { id: 'c', state: 1 },
      { id: 'a', state: 2 },
    ])
    const events = await collect(store.events())
    expect(events.map(event => `${event.sessionId}${event.version}`)).toEqual(['b1', 'a1', 'b2', 'c1', 'a2'])
    expect(positions(await collect(store.events({ after: 2 })))).toEqual([3, 4, 5])
  })

  test('stops with the reason of its signal, also where there is nothing', async () => {
    const reason = new Error('enough')
    const store = await create<number>()
    const signal = AbortSignal.abort(reason)
    expect(await failureOf(() => collect(store.events({ signal })))).toBe(reason)
    await store.save('a', 1)
    expect(await failureOf(() => collect(store.events({ signal, live: true })))).toBe(reason)
  })
})

describe('events() that follow', () => {
  test('neither miss nor repeat an event, while saves and compactions go on', async () => {
    const store = await create<number>({ compactEvery: 1 })
    const total = 3_000
    const seen: number[] = []
    const following = (async () => {
      for await (const event of store.events({ live: true })) {
        seen.push(event.position)
        if (event.position === total) break
      }
    })()
    for (let n = 0; n < total; n++) {
      const saved = store.save(`s${n % 13}`, n)
      if (n % 17 === 0) await saved
      if (n % 500 === 0) await store.compact()
    }
    await following
    expect(seen).toEqual(upTo(total))
  })

  test('go on from a position, with what is there and what comes', async () => {
    const store = await create<number>()
    for (let n = 0; n < 5; n++) await store.save('a', n)
    const caughtUp = deferred()
    const seen: number[] = []
    const following = (async () => {
      for await (const { position } of store.events({ live: true, after: 3 })) {
        seen.push(position)
        if (position === 5) caughtUp.resolve()
        if (position === 7) break
      }
    })()
    await caughtUp.promise
    await store.save('a', 6)
    await store.save('a', 7)
    await following
    expect(seen).toEqual([4, 5, 6, 7])
  })

  test('may begin after a position that is still to come', async () => {
    const store = await create<number>()
    const following = store.events({ live: true, after: 2 })
    const next = following.next()
    for (let n = 1; n <= 3; n++) await store.save('a', n)
    expect((await next).value).toMatchObject({ position: 3 })
    await following.return()
  })

  test('stop with the reason of their signal while they wait', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const controller = new AbortController()
    const following = store.events({ live: true, signal: controller.signal })
    await following.next()
    const waiting = failureOf(() => following.next())
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
  })

  test('may be several, each at its own pace', async () => {
    const store = await create<number>()
    const follow = async (pace: () => unknown) => {
      const seen: number[] = []
      for await (const { position } of store.events({ live: true })) {
        seen.push(position)
        await pace()
        if (position === 100) return seen
      }
      return seen
    }
    const slow = () => new Promise(resolve => setImmediate(resolve))
    const followers = [follow(() => {}), follow(slow), follow(() => {})]
    for (let n = 0; n < 100; n++) await store.save(`s${n % 3}`, n)
    for (const seen of await Promise.all(followers)) expect(seen).toEqual(upTo(100))
  })
})
