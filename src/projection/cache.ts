import type { Observable } from 'rxjs'
import type { Append } from '../log/commit.ts'
import { handOut } from '../state/exotic.ts'
import type { OnThrow } from './guarded.ts'
import type { Session } from './session.ts'
import type { Upcast } from './upcast.ts'
import { Watchers } from './watchers.ts'

/**
 * Every session's state in memory, as readers see it. It holds nothing that the log does not, or is not about
 * to: rebuilt at open, run ahead by the commits under way, put back when one of them fails.
 */
export class Cache {
  readonly sessions: Map<string, Session>
  /**
   * States that readers get as they are for as long as nothing changes, by session: those that were read once.
   * Beside the sessions, because going through a session to its state takes `get` half as long again.
   */
  readonly ready = new Map<string, unknown>()
  readonly #watchers: Watchers
  readonly #onThrow: OnThrow
  readonly #upcast: Upcast
  /** Sessions that end by themselves, so that sweeping does not walk them all. */
  readonly #expiring = new Set<Session>()
  #size = 0

  constructor(sessions: Map<string, Session>, upcast: Upcast, onThrow: OnThrow) {
    this.#onThrow = onThrow
    this.#watchers = new Watchers(onThrow)
    this.sessions = sessions
    this.#upcast = upcast
    for (const session of sessions.values()) {
      if (session.exists) this.#size++
      if (Number.isFinite(session.expiresAt)) this.#expiring.add(session)
    }
  }

  /** How many sessions have a state. */
  get size(): number {
    return this.#size
  }

  /** How many states were read once, and are as readers get them. */
  get decoded(): number {
    let decoded = 0
    for (const session of this.sessions.values())
      if (session.exists && session.decoded !== undefined) decoded++
    return decoded
  }

  /** The state that readers see, in today's schema, shared: only `state` may be handed out. */
  view(session: Session): unknown {
    return this.#upcast.view(session)
  }

  /** What a reader gets: no change to it reaches the cache. */
  state(session: Session): unknown {
    const view = this.#upcast.view(session)
    const state = handOut(view)
    if (state === view && session.expiresAt === Number.POSITIVE_INFINITY) this.ready.set(session.id, state)
    return state
  }

  *ids(): IterableIterator<string> {
    for (const session of this.sessions.values()) if (session.exists) yield session.id
  }

  /** Makes events visible that are on their way into the log: all of them before anybody is told of one. */
  change(appends: readonly Append[]): void {
    for (const append of appends) {
      const session = append.head as Session
      if (session.version === 0) this.sessions.set(session.id, session)
      const existed = session.exists
      session.change(append)
      this.#changed(session, existed)
    }
    for (const { sessionId, state } of appends)
      if (this.#watchers.watches(sessionId)) this.#watchers.tell(sessionId, handOut(state))
  }

  /** Takes in events that others recorded, session by session; whoever watches is told when all are there. */
  follow(sessions: Iterable<Session>, take: (session: Session) => void): void {
    const changed: Session[] = []
    for (const session of sessions) {
      const { exists } = session
      const before = session.decoded && session.state
      take(session)
      this.sessions.set(session.id, session)
      this.#changed(session, exists)
      if (session.decoded === undefined || session.state !== before || session.exists !== exists)
        changed.push(session)
    }
    for (const session of changed) if (this.#watchers.watches(session.id)) this.#tellState(session)
  }

  /** Moves an expiry without an event. */
  touch(session: Session, expiresAt: number, version = session.version): void {
    session.touch(expiresAt, version)
    this.#note(session)
  }

  /** When sessions end by themselves, as far as it is recorded. */
  *recordedExpiries(): IterableIterator<[sessionId: string, expiresAt: number]> {
    for (const { id, recordedExpiry } of this.#expiring)
      if (recordedExpiry !== Number.POSITIVE_INFINITY) yield [id, recordedExpiry]
  }

  /** Takes over when sessions end by themselves, as far as it is recorded: the others don't. */
  takeExpiries(expiries: ReadonlyMap<string, number>): void {
    for (const session of this.sessions.values()) {
      session.takeExpiry(expiries.get(session.id) ?? Number.POSITIVE_INFINITY)
      this.#note(session)
    }
  }

  /** Goes back to what is acknowledged, everywhere. */
  rollBack(): void {
    const changed: Session[] = []
    for (const session of this.sessions.values()) {
      const existed = session.exists
      if (!session.rollBack()) continue
      this.#changed(session, existed)
      changed.push(session)
    }
    for (const session of changed) if (this.#watchers.watches(session.id)) this.#tellState(session)
  }

  /** Sessions whose time is up. */
  expired(now: number): Session[] {
    return [...this.#expiring].filter(session => session.exists && session.expiresAt <= now)
  }

  /** When the next session ends by itself; `Infinity` where none does. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY
    for (const session of this.#expiring) next = Math.min(next, session.expiresAt)
    return next
  }

  watch(id: string): Observable<unknown> {
    return this.#watchers.watch(id, () => {
      const session = this.sessions.get(id)
      return session && this.state(session)
    })
  }

  endWatches(): void {
    this.#watchers.complete()
  }

  /** An upcast may throw: then those who watch are not told, and whoever reads is. */
  #tellState(session: Session): void {
    try {
      this.#watchers.tell(session.id, this.state(session))
    } catch (error) {
      this.#onThrow(error)
    }
  }

  #changed(session: Session, existed: boolean): void {
    if (session.exists !== existed) this.#size += existed ? -1 : 1
    this.#note(session)
  }

  #note(session: Session): void {
    if (this.ready.get(session.id) !== undefined) this.ready.set(session.id, undefined)
    if (session.expiresAt !== Number.POSITIVE_INFINITY) this.#expiring.add(session)
    else if (this.#expiring.size > 0) this.#expiring.delete(session)
  }
}
