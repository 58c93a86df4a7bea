import { expect } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { spell } from '../state/exact.ts'
import { collect } from './outcome.ts'

/** What a store must be equal to: for each session the state at every version, and nothing clever. */
export class Model {
  /** By session: the state at version 1, 2, 3…; `undefined` after a delete. */
  readonly states = new Map<string, unknown[]>()
  /** Session and version of each event, in position order. */
  readonly events: [sessionId: string, version: number][] = []

  put(id: string, state: unknown): void {
    const states = this.states.get(id) ?? []
    states.push(state)
    this.states.set(id, states)
    this.events.push([id, states.length])
  }

  /** Forgets all events but the first so many. */
  truncate(count: number): void {
    for (const [id] of this.events.splice(count).reverse()) {
      const states = this.states.get(id)!
      if (states.length === 1) this.states.delete(id)
      else states.pop()
    }
  }

  version(id: string): number {
    return this.states.get(id)?.length ?? 0
  }

  get(id: string): unknown {
    return this.states.get(id)?.at(-1)
  }

  has(id: string): boolean {
    return this.get(id) !== undefined
  }

  ids(): string[] {
    return [...this.states.keys()].filter(id => this.has(id)).sort()
  }

  /** Compares the present, which costs next to nothing. */
  expectPresent(store: SessionStore<unknown>, ids: Iterable<string>): void {
    for (const id of ids) {
      expect(spell(store.get(id))).toBe(spell(this.get(id)))
      expect(store.version(id)).toBe(this.version(id))
      expect(store.has(id)).toBe(this.has(id))
    }
    expect([...store.ids()].sort()).toEqual(this.ids())
    expect(store.size).toBe(this.ids().length)
  }

  /** Compares the past: every version of every session, each event, and all that verify() looks at. */
  async expectPast(store: SessionStore<unknown>): Promise<void> {
    for (const [id, states] of this.states) {
      for (const [index, state] of states.entries()) {
        expect(spell(await store.stateAt(id, { version: index + 1 }))).toBe(spell(state))
      }
      const versions = (await collect(store.history(id))).map(event => event.version)
      expect(versions).toEqual(states.map((_, index) => index + 1))
    }
    const events = await collect(store.events())
    expect(events.map(event => [event.sessionId, event.version])).toEqual(this.events)
    expect(events.map(event => event.position)).toEqual(this.events.map((_, index) => index + 1))
    expect((await store.verify()).problems).toEqual([])
  }
}
