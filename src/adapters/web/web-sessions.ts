import type { Actor, SessionStore, WriteOptions } from '../../index.ts'
import { cookieAfter, isRecord, type JsonSession, sameBody } from './json-session.ts'
import { ReadBarrier } from './read-barrier.ts'

/** What a request knew of a session when it began to work on it; moved on by its own writes. */
export interface Seen {
  version: number
  /** Undefined where there was none. */
  state: JsonSession | undefined
}

export interface Found {
  readonly state: unknown
  /** ms since the epoch, or `Infinity`. */
  readonly expiresAt: number
  readonly version: number
}

/** Who is behind a session: a name, or a function of the session that knows. */
export type ActorOf = Actor | ((session: JsonSession) => Actor | undefined)

export interface WebOptions {
  readonly store: SessionStore<unknown>
  readonly touchAfter: number
  readonly actor: ActorOf | undefined
  readonly reuseIds: boolean
}

/**
 * The sessions of a web framework, recorded in a store: an edit is an event; a view is none; what comes after the end of a
 * session is recorded, and does not bring it back.
 */
export class WebSessions {
  readonly #store: SessionStore<unknown>
  readonly #options: WebOptions
  readonly #barrier: ReadBarrier
  /** The last write of each session that is not durable yet. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(options: WebOptions) {
    this.#options = options
    this.#store = options.store
    this.#barrier = new ReadBarrier(options.store)
  }

  /** Resolves once what other processes had recorded by now is here; undefined where it is. */
  ready(): Promise<void> | undefined {
    return this.#barrier.pass()
  }

  find(id: string): Found | undefined {
    const state = this.#store.get(id)
    const expiresAt = this.#store.expiresAt(id)
    if (state === undefined || expiresAt === undefined) return undefined
    return { state, expiresAt, version: this.#store.version(id) }
  }

  version(id: string): number {
    return this.#store.version(id)
  }

  ids(): string[] {
    return [...this.#store.ids()]
  }

  /** Records what a request made of a session, where it made something of it. Resolves once that is durable. */
  async write(id: string, next: JsonSession, expiresAt: number, seen?: Seen): Promise<void> {
    const wait = this.#barrier.pass()
    if (wait !== undefined) await wait
    for (;;) {
      try {
        const version = this.#store.version(id)
        const isLate = this.#mayBeLate(id, seen) && (await this.#isLate(id, seen))
        if (this.#store.version(id) !== version) continue
        return await (isLate ? this.#recordLate(id, next) : this.#record(id, next, expiresAt, seen))
      } catch (error) {
        // Somebody else was first: what is right now is decided again.
        if ((error as { code?: unknown }).code !== 'SESSIONLOG_VERSION_CONFLICT') throw error
      }
    }
  }

  /** Ends a session; nothing where there is none. */
  async end(id: string, reason?: string): Promise<void> {
    const wait = this.#barrier.pass()
    if (wait !== undefined) await wait
    const state = this.#store.get(id)
    if (state === undefined) return void (await this.#underWay.get(id))
    const actor = isRecord(state) ? this.#actorOf(state) : undefined
    await this.#track(id, this.#store.delete(id, { ...actor, ...(reason !== undefined && { reason }) }))
  }

  /** Moves the expiry of a session that is there, where that is worth it. */
  touch(id: string, expiresAt: number): void {
    const before = this.#store.expiresAt(id)
    if (before === undefined || before === expiresAt) return
    if (Math.abs(expiresAt - before) >= this.#options.touchAfter) this.#store.touch(id, expiresAt)
  }

  /** What a write finds: an edit, a new cookie, or nothing but a view. */
  async #record(id: string, next: JsonSession, expiresAt: number, seen: Seen | undefined): Promise<void> {
    const found = this.#store.get(id)
    if (found === undefined) {
      const expectedVersion = this.#store.version(id)
      return this.#save(id, next, { ...this.#actorOf(next), expectedVersion, expiresAt }, seen, next)
    }
    const current = isRecord(found) ? found : {}
    const cookie = cookieAfter(next.cookie, current.cookie)
    // A view that changed nothing must not undo what others changed meanwhile.
    if (sameBody(next, seen?.state ?? current)) {
      if (cookie !== current.cookie && cookie !== undefined) {
        const options = { ...this.#actorOf(next, current), expiresAt, type: 'cookie_changed' }
        return this.#save(id, { ...current, cookie }, expecting(options), seen, next)
      }
      this.touch(id, expiresAt)
      return void (await this.#underWay.get(id))
    }
    const state = cookie === undefined ? next : { ...next, cookie }
    return this.#save(id, state, expecting({ ...this.#actorOf(next, current), expiresAt }), seen, next)
  }

  /** `known` is what the request has by now, which may lack what others changed. */
  async #save(
    id: string,
    state: JsonSession,
    options: WriteOptions,
    seen: Seen | undefined,
    known: JsonSession,
  ): Promise<void> {
    const before = { ...seen }
    const saved = this.#track(id, this.#store.save(id, state, options))
    if (seen === undefined) return void (await saved)
    // A second write of the same request goes on from here, without waiting for the disk.
    Object.assign(seen, { version: this.#store.version(id), state: known })
    try {
      await saved
    } catch (error) {
      if (seen.state === known) Object.assign(seen, before)
      throw error
    }
  }

  #mayBeLate(id: string, seen: Seen | undefined): boolean {
    const version = this.#store.version(id)
    if (seen !== undefined) return version !== seen.version
    return version > 0 && !this.#options.reuseIds && !this.#store.has(id)
  }

  /** Whether a session was ended by somebody since a request saw it; of one that nobody knows, whether it is at its end. */
  async #isLate(id: string, seen: Seen | undefined): Promise<boolean> {
    const from = seen === undefined ? this.#store.version(id) : seen.version + 1
    for await (const { changes, type } of this.#store.history(id, { from })) {
      const [change] = changes
      const isEnd = change?.op === 'remove' && change.path === ''
      if (isEnd && type !== '$expired') return true
    }
    return false
  }

  /** In one commit with the end that follows: nobody who reads finds the session back. */
  async #recordLate(id: string, next: JsonSession): Promise<void> {
    const actor = this.#actorOf(next)
    const found = this.#store.get(id)
    // The id has a new life: that one is left as it is, and the late write stands beside it.
    const beside = found === undefined ? id : `late:${id}`
    const expectedVersion = found === undefined ? 'no_session' : 'any'
    const late = { id: beside, state: next, type: 'arrived_late', expectedVersion, ...actor } as const
    const end = { id: beside, delete: true, reason: 'The session had ended before', ...actor } as const
    await this.#track(id, this.#store.saveAll([late, end]))
  }

  async #track<T>(id: string, write: Promise<T>): Promise<T> {
    this.#underWay.set(id, write)
    try {
      return await write
    } finally {
      if (this.#underWay.get(id) === write) this.#underWay.delete(id)
    }
  }

  /** Who is logged in; of a session that nobody is in any more, who was. */
  #actorOf(session: JsonSession, before?: JsonSession): { actor?: Actor } {
    const { actor } = this.#options
    if (typeof actor !== 'function') return actor === undefined ? {} : { actor }
    const named = actor(session) ?? (before && actor(before))
    return named === undefined ? {} : { actor: named }
  }
}

function expecting(options: WriteOptions): WriteOptions {
  return { ...options, expectedVersion: 'session_exists' }
}
