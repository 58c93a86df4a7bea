import { type ForeignSession, refused, sessionIn, timeOf } from './foreign-session.ts'

/**
 * A row of connect-sqlite3 (`sid`, `expired` in ms since the epoch, `sess` as JSON text) or of better-sqlite3-session-store
 * (`sid`, `sess`, `expire` as ISO 8601), whichever columns it has.
 */
export function sessionOfRow(row: Readonly<Record<string, unknown>>): ForeignSession {
  const { sid, sess, expired, expire } = row
  if (typeof sid !== 'string') throw refused('the row has no text as its sid', '/sid')
  if (sess === undefined || sess === null) throw refused('the row has no sess', '/sess')
  const isMs = expired !== undefined && expired !== null
  const at = isMs ? timeOf(expired, 'expired') : timeOf(expire ?? '', 'expire')
  return { sid, session: sessionIn(sess), expiresAt: at }
}
