import { describe, expect, test } from 'vitest'
import type { RecordedEvent, SessionStore } from '../../src/index.ts'
import { apply } from '../../src/state/apply.ts'
import { Chance } from '../support/chance.ts'
import { everything } from '../support/states.ts'
import { create, reopen } from '../support/store.ts'

/** Keeps states of its own, from events alone. */
class Follower {
  readonly states = new Map<string, unknown>()
  readonly versions = new Map<string, number>()
  position = 0

  take(event: RecordedEvent): void {
    expect(event.position).toBe(this.position + 1)
    expect(event.version).toBe((this.versions.get(event.sessionId) ?? 0) + 1)
    this.position = event.position
    this.versions.set(event.sessionId, event.version)
    this.states.set(event.sessionId, apply(event.changes, this.states.get(event.sessionId)))
  }

  expectSame(store: SessionStore<unknown>): void {
    for (const [id, version] of this.versions) {
      expect(store.version(id)).toBe(version)
      expect(store.get(id)).toEqual(this.states.get(id))
    }
    expect([...this.states].filter(([, state]) => state !== undefined)).toHaveLength(store.size)
  }
}

/** Saves, edits, deletes and batches of a few sessions. */
function write(store: SessionStore<unknown>, chance: Chance, count: number): void {
  for (let n = 0; n < count; n++) {
    const id = `s${chance.below(5)}`
    const list = Array.from({ length: chance.below(30) }, () => chance.below(100))
    switch (chance.below(6)) {
      case 0:
        store.delete(id)
        break
      case 1:
        store.save(id, everything())
        break
      case 2:
        store.saveAll([
          { id, state: { list } },
          { id: `s${chance.below(5)}`, delete: true },
        ])
        break
      default:
        store.save(id, { n, list, text: 'lorem ipsum '.repeat(chance.below(20)) })
    }
  }
}

describe.each([1, 2, 3])('A follower, seed %s,', seed => {
  test('of commits comes to the same states as the store', async () => {
    const chance = new Chance(seed)
    const store = await create<unknown>()
    const follower = new Follower()
    store.commits.subscribe(events => {
      for (const event of events) follower.take(event)
    })
    for (let round = 0; round < 10; round++) {
      write(store, chance, 30)
      if (chance.once(3)) await store.compact()
      await store.flush()
      follower.expectSame(store)
    }
  })

  test('of events comes to the same states, leaves off and goes on where it was, over restarts', async () => {
    const chance = new Chance(seed)
    let store = await create<unknown>({ compactEvery: seed })
    const follower = new Follower()
    for (let round = 0; round < 6; round++) {
      write(store, chance, 40)
      const stopAt = follower.position + chance.below(20)
      for await (const event of store.events({ after: follower.position })) {
        follower.take(event)
        if (event.position === stopAt) break
      }
      if (chance.once(2)) store = await reopen(store)
    }
    for await (const event of store.events({ after: follower.position })) follower.take(event)
    follower.expectSame(store)
  })

  test('of events that come live comes to the same states', async () => {
    const chance = new Chance(seed)
    const store = await create<unknown>({ compactEvery: 1 })
    const follower = new Follower()
    const following = (async () => {
      for await (const event of store.events({ live: true })) {
        follower.take(event)
        if (event.sessionId === 'end') break
      }
    })()
    for (let round = 0; round < 10; round++) {
      write(store, chance, 30)
      if (chance.once(2)) await store.flush()
    }
    await store.save('end', true)
    await following
    follower.expectSame(store)
  })
})
