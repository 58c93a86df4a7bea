import { copyOf, type JsonSession, toJson } from './web/json-session.ts'
import { type SessionBody, settingsOf, type WebStoreOptions } from './web/options.ts'
import { type Seen, WebSessions } from './web/web-sessions.ts'

export type { SessionBody, WebStoreOptions as KoaStoreOptions }

/** What koa-session gives beside a session; the context is the request that the call belongs to. */
export interface KoaDetails {
  readonly ctx?: object
}

/** An external store of koa-session: https://github.com/koajs/session#external-session-stores. Ages are in ms. */
export interface KoaStore {
  /** Undefined for a session that does not exist or has expired. */
  get(key: string, maxAge?: number | 'session', details?: KoaDetails): Promise<SessionBody | undefined>
  /** Resolves once what changed is durable. */
  set(key: string, session: object, maxAge?: number | 'session', details?: KoaDetails): Promise<void>
  destroy(key: string, details?: KoaDetails): Promise<void>
}

/**
 * The same for koa-session as `createExpressStore` is for express-session. A session whose `maxAge` is `'session'` lives
 * for `ttl` after it was written last.
 */
export function createKoaStore(options: WebStoreOptions): KoaStore {
  const settings = settingsOf(options)
  const sessions = new WebSessions(settings)
  /** What each request read, by the key it read it with. */
  const requests = new WeakMap<object, Map<string, Seen>>()

  const note = (ctx: object | undefined, key: string, seen: Seen): Seen => {
    if (ctx !== undefined) requests.set(ctx, (requests.get(ctx) ?? new Map<string, Seen>()).set(key, seen))
    return seen
  }

  return {
    async get(key, _maxAge, { ctx } = {}) {
      await sessions.ready()
      const found = sessions.find(key)
      const state = found?.state as JsonSession | undefined
      note(ctx, key, { version: found?.version ?? sessions.version(key), state })
      if (found === undefined) return undefined
      const session = copyOf(state, key)
      return '_maxAge' in session ? { ...session, _expire: found.expiresAt } : session
    },

    async set(key, session, maxAge, { ctx } = {}) {
      // `_expire` is the session's own expiry, which moves without an event.
      const { _expire, ...state } = toJson(session)
      const age = typeof maxAge === 'number' ? maxAge : settings.ttl
      const expiresAt = typeof _expire === 'number' ? _expire : Date.now() + age
      // What a request did not read it has begun itself.
      const begun = () => note(ctx, key, { version: sessions.version(key), state: undefined })
      const seen = ctx && (requests.get(ctx)?.get(key) ?? begun())
      await sessions.write(key, state, expiresAt, seen)
    },

    async destroy(key) {
      await sessions.end(key)
    },
  }
}
