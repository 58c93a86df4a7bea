import { isRecord, type JsonSession } from './json-session.ts'

/**
 * When a session ends, ms since the epoch: with its cookie, as express-session and \@fastify/session keep it (`expires`, or
 * a bare `maxAge` in ms); of a cookie that lives as long as the browser, in `ttl` ms.
 */
export function expiryOf(cookie: unknown, ttl: number, now = Date.now()): number {
  const { expires, maxAge } = isRecord(cookie) ? cookie : ({} as JsonSession)
  const time =
    typeof expires === 'string' || typeof expires === 'number' || expires instanceof Date
      ? new Date(expires).getTime()
      : Number.NaN
  if (!Number.isNaN(time)) return time
  return now + (typeof maxAge === 'number' ? maxAge : ttl)
}

/**
 * The cookie as it is recorded: `expires: true` stands for the session's own expiry, which moves without an event. What
 * \@fastify/session notes beside it as `originalExpires` it makes of `expires` again.
 */
export function recordedCookie({ originalExpires, ...cookie }: JsonSession): JsonSession {
  const isTime = cookie.expires !== undefined && cookie.expires !== null
  return isTime ? { ...cookie, expires: true } : cookie
}

/** A session as it is handed out: its cookie ends when the session does. */
export function withExpiry(session: JsonSession, expiresAt: number): JsonSession {
  const { cookie } = session
  if (!isRecord(cookie) || cookie.expires === undefined || cookie.expires === null) return session
  const date = new Date(expiresAt)
  const expires = Number.isNaN(date.getTime()) ? null : date.toISOString()
  return { ...session, cookie: { ...cookie, expires } }
}
