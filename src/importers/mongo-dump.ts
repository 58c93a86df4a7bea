import type { RowReader } from './dump-rows.ts'
import { child, fromExtendedJson } from './extended-json.ts'
import { type ForeignSession, refused, sessionIn, timeOf } from './foreign-session.ts'
import { inexactInteger } from './json-integers.ts'

/**
 * A dump of connect-mongo, as mongoexport writes it, relaxed or canonical: `{"_id","expires","session"}` a line, where
 * the session is JSON text (connect-mongo's default) or, with its `stringify: false`, a document. A Date in that stays one;
 * what JSON would make something else of is refused, for the app could not read it.
 */
export function mongoRows(): RowReader {
  return (json, text): ForeignSession => {
    const number = inexactInteger(text)
    if (number !== undefined)
      throw refused(`${number} is no number of JavaScript: export with --jsonFormat=canonical`)
    const {
      _id: sid,
      expires,
      session: kept,
      lastModified,
    } = fromExtendedJson(json) as Record<string, unknown>
    if (typeof sid !== 'string') throw refused('_id is no text, so it is no id of a session', '/_id')
    if (kept === undefined || kept === null) throw refused('the line has no session', '/session')
    const session = sessionIn(kept)
    if (typeof kept !== 'string') assertJson(session, '/session')
    const expiresAt = expires === undefined || expires === null ? undefined : timeOf(expires, 'expires')
    const occurredAt = lastModified instanceof Date ? timeOf(lastModified, 'lastModified') : undefined
    return { sid, session, expiresAt, occurredAt }
  }
}

function assertJson(value: unknown, path: string): void {
  if (
    typeof value === 'bigint' ||
    value instanceof Uint8Array ||
    (Object.is(value, Number(value)) && !Number.isFinite(value))
  )
    throw refused(`${path} is ${String(value).slice(0, 40)}, which JSON does not have`, path)
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) assertJson(member, child(path, key))
}
