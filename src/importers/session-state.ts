import type { ForeignSession } from './foreign-session.ts'

type Members = Readonly<Record<string, unknown>>

/**
 * What a session of express-session is as the state of one of ours, as the adapter of Express records it: all that it
 * says, its `cookie` included. `expires: true` stands for the session's own expiry, which moves without an event.
 */
export function sessionState({ session }: ForeignSession): Members {
  // @fastify/session keeps the expiry there as well, as it was first.
  const { originalExpires, ...cookie } = session.cookie as Members
  const isTime = cookie.expires !== undefined && cookie.expires !== null
  return { ...session, cookie: isTime ? { ...cookie, expires: true } : cookie }
}

/** When a session ends, ms since the epoch: as the source says, else with its cookie, else never. */
export function expiryOf({ session, expiresAt }: ForeignSession): number {
  if (expiresAt !== undefined) return expiresAt
  const { expires } = session.cookie as Members
  if (typeof expires !== 'string' && typeof expires !== 'number' && !(expires instanceof Date))
    return Number.POSITIVE_INFINITY
  const time = new Date(expires).getTime()
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time
}
