import { AsyncLocalStorage } from 'node:async_hooks'
import type { Seen } from './web-sessions.ts'

/** So many sessions that were read in one chain of calls are kept in mind. */
const SEEN_MAX = 8

/**
 * What each request saw of its session. express-session hands back what it was given; others copy it, and are known by the
 * chain of calls that goes on from the callback of `get`.
 */
export class Traces {
  readonly #seen = new WeakMap<object, Seen>()
  readonly #chain = new AsyncLocalStorage<ReadonlyMap<string, Seen>>()
  /** Whether sessions are objects that come back: then there is no need to follow the calls. */
  areObjects = false

  note(session: object, seen: Seen): void {
    this.#seen.set(session, seen)
  }

  /** One request's session takes the place of what was read. */
  pass(from: object, to: object): void {
    const seen = this.#seen.get(from)
    if (seen !== undefined) this.#seen.set(to, seen)
  }

  of(id: string, session: object): Seen | undefined {
    return this.#seen.get(session) ?? this.#chain.getStore()?.get(id)
  }

  /** Runs `call`, and whatever follows from it, knowing what was seen. */
  follow<T>(id: string, seen: Seen, call: () => T): T {
    if (this.areObjects) return call()
    const others = [...(this.#chain.getStore() ?? [])].filter(([other]) => other !== id)
    return this.#chain.run(new Map([...others.slice(1 - SEEN_MAX), [id, seen]]), call)
  }
}
