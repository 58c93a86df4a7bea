import { describe, expect, test } from 'vitest'
import type { RecordedEvent } from '../../src/index.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { create } from '../support/store.ts'

describe('commits', () => {
  test('tell of durable events only, in order, each once', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    const positions: number[] = []
    store.commits.subscribe(events => positions.push(...events.map(event => event.position)))
    const release = db.hold()
    const saves = Array.from({ length: 100 }, (_, n) => store.save(`s${n % 9}`, n))
    await new Promise(resolve => setImmediate(resolve))
    expect(positions).toEqual([])
    release()
    await Promise.all(saves)
    expect(positions).toEqual(saves.map((_, n) => n + 1))
  })

  test('tell of a save before its promise goes on', async () => {
    const store = await create<number>()
    let told = 0
    store.commits.subscribe(() => told++)
    for (let n = 1; n <= 5; n++) {
      await store.save('a', n)
      expect(told).toBe(n)
    }
  })

  test('tell of a batch in one piece', async () => {
    const store = await create<number>()
    const commits: (readonly RecordedEvent[])[] = []
    store.commits.subscribe(events => commits.push(events))
    await store.saveAll(Array.from({ length: 50 }, (_, n) => ({ id: `s${n}`, state: n })))
    expect(commits.map(events => events.length)).toEqual([50])
  })

  test('may be answered with saves, which come in order', async () => {
    const store = await create<number>()
    const seen: string[] = []
    store.commits.subscribe(events => {
      for (const { sessionId, version } of events) {
        seen.push(`${sessionId}${version}`)
        if (sessionId === 'a') store.save('b', version)
      }
    })
    for (let n = 1; n <= 3; n++) await store.save('a', n)
    await store.flush()
    expect(seen).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3'])
  })

  test('find the event in the log, and its state in the cache, when they tell of it', async () => {
    const store = await create<number>()
    const read: Promise<unknown>[] = []
    store.commits.subscribe(([event]) => read.push(store.stateAt('a', { version: event!.version })))
    await store.save('a', 1)
    await store.save('a', 2)
    expect(await Promise.all(read)).toEqual([1, 2])
  })

  test('do not reach back: who comes later is told of what comes later', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const positions: number[] = []
    store.commits.subscribe(events => positions.push(events[0]!.position))
    await store.save('a', 2)
    expect(positions).toEqual([2])
  })
})
