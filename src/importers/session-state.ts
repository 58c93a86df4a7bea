import { recordedCookie } from '../adapters/web/cookie.ts'
import type { ForeignSession } from './foreign-session.ts'

type Members = Readonly<Record<string, unknown>>

/** A session of express-session as the adapter for Express records it. */
export function sessionState({ session }: ForeignSession): Members {
  return { ...session, cookie: recordedCookie(session.cookie as Members) }
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
