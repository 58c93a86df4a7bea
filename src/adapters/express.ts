import { EventEmitter } from 'node:events'
import { answer, type Callback } from './web/callback.ts'
import { expiryOf, recordedCookie, withExpiry } from './web/cookie.ts'
import { copyOf, isRecord, type JsonSession, toJson } from './web/json-session.ts'
import { type SessionBody, settingsOf, type WebSettings, type WebStoreOptions } from './web/options.ts'
import { StoreHealth } from './web/store-health.ts'
import { Traces } from './web/traces.ts'
import { type Seen, WebSessions } from './web/web-sessions.ts'

export type { SessionBody, WebStoreOptions as ExpressStoreOptions }

/** The base that express-session asks for; \@fastify/session asks for none, and its users don't have express-session. */
const Base = await import('express-session').then(
  module => module.default.Store as unknown as typeof EventEmitter,
  (error: { code?: unknown }) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    return EventEmitter
  },
)

/**
 * A store for express-session and \@fastify/session that records each edit of a session as an event, by its `actor`.
 * Emits `disconnect` when the store fails or closes, and `connect` when it works again.
 */
export function createExpressStore(options: WebStoreOptions): ExpressStore {
  // Those that the base brings are the rest of it.
  return new SessionlogStore(settingsOf(options)) as unknown as ExpressStore
}

/** The contract of a store: https://github.com/expressjs/session#session-store-implementation. Ids are session ids. */
export interface ExpressStore extends EventEmitter {
  /** Null for a session that does not exist or has expired. */
  // biome-ignore-start lint/suspicious/noExplicitAny: as express-session and @fastify/session declare them, each its own way.
  get(id: string, callback: (error: any, session?: any) => void): void
  /** Records what `session` is at the call; calls back once that is durable. */
  set(id: string, session: any, callback?: (error?: any) => void): void
  destroy(id: string, callback?: (error?: any) => void): void
  /** Moves the expiry to that of `session.cookie`, and nothing else. */
  touch(id: string, session: any, callback?: (error?: any) => void): void
  /** All sessions that have not expired, by id. */
  all(callback: (error: any, sessions?: any) => void): void
  length(callback: (error: any, length?: number) => void): void
  clear(callback?: (error?: any) => void): void
  regenerate(request: any, callback: (error?: any) => any): void
  load(id: string, callback: (error: any, session?: any) => any): void
  createSession(request: any, session: any): any
  // biome-ignore-end lint/suspicious/noExplicitAny: the end of it.
}

type Request = { sessionID: string; session: object }
type Generate = (request: Request) => void

/** So many sessions are ended in one go. */
const CLEARED_MAX = 1000

class SessionlogStore extends Base {
  readonly #settings: WebSettings
  readonly #sessions: WebSessions
  readonly #traces = new Traces()
  readonly #health: StoreHealth
  #generate: Generate | undefined

  constructor(settings: WebSettings) {
    super()
    this.#settings = settings
    this.#sessions = new WebSessions(settings)
    this.#health = new StoreHealth(settings.store, isUp => this.emit(isUp ? 'connect' : 'disconnect'))
    // Whoever begins to listen to a store that is down already has to hear of it.
    this.on('newListener', (name, listener) => {
      if (name !== 'disconnect') return
      this.#health.look()
      if (!this.#health.isUp) process.nextTick(listener as () => void)
    })
  }

  get(id: string, callback: Callback<JsonSession | null>): void {
    const read = () => {
      const found = this.#sessions.find(id)
      const session = found && withExpiry(copyOf(found.state, id), found.expiresAt)
      const state = found?.state as JsonSession | undefined
      return { session, seen: { version: found?.version ?? this.#sessions.version(id), state } }
    }
    const done: Callback<ReturnType<typeof read>> = (error, result) => {
      if (result === undefined) return callback?.(error)
      const { session, seen } = result
      if (session !== undefined) this.#traces.note(session, seen)
      this.#traces.follow(id, seen, () => callback?.(null, session ?? null))
    }
    answer(done, () => this.#sessions.ready()?.then(read) ?? read())
  }

  set(id: string, session: object, callback?: Callback): void {
    answer(callback, () => {
      const json = toJson(session)
      const { cookie } = json
      const state = isRecord(cookie) ? { ...json, cookie: recordedCookie(cookie) } : json
      const seen = this.#traces.of(id, session)
      return this.#sessions.write(id, state, expiryOf(cookie, this.#settings.ttl), seen)
    })
  }

  destroy(id: string, callback?: Callback): void {
    answer(callback, () => this.#sessions.end(id))
  }

  touch(id: string, session: { cookie?: unknown }, callback?: Callback): void {
    answer(callback, () => {
      const { cookie } = toJson({ cookie: session?.cookie })
      const expiresAt = expiryOf(cookie, this.#settings.ttl)
      const move = () => this.#sessions.touch(id, expiresAt)
      return this.#sessions.ready()?.then(move) ?? move()
    })
  }

  all(callback: Callback<Record<string, JsonSession>>): void {
    const read = () => {
      const sessions: Record<string, JsonSession> = Object.create(null)
      for (const id of this.#sessions.ids()) {
        const found = this.#sessions.find(id)
        if (found !== undefined) sessions[id] = withExpiry(copyOf(found.state, id), found.expiresAt)
      }
      return sessions
    }
    answer(callback, () => this.#sessions.ready()?.then(read) ?? read())
  }

  length(callback: Callback<number>): void {
    const count = () => this.#settings.store.size
    answer(callback, () => this.#sessions.ready()?.then(count) ?? count())
  }

  clear(callback?: Callback): void {
    answer(callback, async () => {
      await this.#sessions.ready()
      const ids = this.#sessions.ids()
      while (ids.length > 0)
        await Promise.all(ids.splice(0, CLEARED_MAX).map(id => this.#sessions.end(id, 'All were cleared')))
    })
  }

  /** Set by express-session: makes a request's new session. */
  get generate(): Generate | undefined {
    return this.#generate
  }

  set generate(generate: Generate | undefined) {
    this.#traces.areObjects = true
    this.#generate =
      generate &&
      (request => {
        generate(request)
        const version = this.#sessions.version(request.sessionID)
        // A new session begins where its id stands: an id that comes again is not late.
        this.#traces.note(request.session, { version, state: undefined } satisfies Seen)
      })
  }

  createSession(request: Request, session: Record<string, unknown>): object {
    const { createSession } = Base.prototype as unknown as { createSession: SessionlogStore['createSession'] }
    const made = createSession.call(this, request, session)
    this.#traces.pass(session, made)
    return made
  }
}
