import { child, childAt } from '../state/pointer.ts'
import { isPlainJson } from '../state/tagged-json.ts'
import { isArray, isObject, kindOf } from '../state/values.ts'
import { type Inexact, MongoValue } from './mongo-value.ts'

export interface MongoDocument {
  /** A line of Extended JSON. Of no use where something is inexact. */
  readonly json: string
  /** As BSON. */
  readonly bytes: number
  readonly inexact: readonly Inexact[]
}

/** The server takes no larger document. */
const BYTES_MAX = 16 * 1024 * 1024

/**
 * A session as the document that connect-mongo keeps: `{"_id", "session", "expires"?}`. The session is a document, as with
 * its option `stringify: false`, or with `asText` the JSON text that is its default. `expiresAt` is ms since the epoch;
 * without `expires` it lives for ever. The expiry is cut to whole ms.
 */
export function mongoDocument(id: string, state: unknown, expiresAt: number, asText = false): MongoDocument {
  const value = new MongoValue()
  const session = withExpiry(state, expiresAt)
  value.bytes = '_id'.length + 'session'.length + 4 + 5
  const members: Record<string, unknown> = { _id: value.convert(id, '', 1) }
  members.session = value.convert(asText ? JSON.stringify(session, plainly) : session, '', 1)
  const inexact = asText ? textFaults(session, '') : [...value.inexact]
  if (expiresAt !== Number.POSITIVE_INFINITY) {
    const date = new Date(expiresAt)
    if (Number.isNaN(date.getTime()))
      inexact.push({ path: '', reason: 'beyond what a Date can say, its expiry' })
    value.bytes += 'expires'.length + 2
    members.expires = value.convert(date, '', 1)
  }
  if (value.bytes > BYTES_MAX) inexact.push({ path: '', reason: 'a document of over 16 MiB' })
  return { json: JSON.stringify(members), bytes: value.bytes, inexact }
}

/** What JSON has no word for is a fault anyway; a bigint would be an error. */
function plainly(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? null : value
}

/** In a session of the adapter of Express `expires: true` stands for the session's own expiry. */
function withExpiry(state: unknown, expiresAt: number): unknown {
  const cookie = (state as { cookie?: { expires?: unknown } } | null)?.cookie
  if (!isObject(cookie) || (cookie as { expires?: unknown }).expires !== true) return state
  const date = new Date(expiresAt)
  const expires = Number.isNaN(date.getTime()) ? null : date.toISOString()
  return { ...(state as object), cookie: { ...(cookie as object), expires } }
}

/** What JSON alone does not bring back. */
function textFaults(value: unknown, path: string): Inexact[] {
  if (isPlainJson(value)) return []
  if (isObject(value)) {
    const kind = kindOf(value)
    if (isArray(value)) return value.flatMap((each, index) => textFaults(each, childAt(path, index)))
    if (kind === 'object')
      return Object.entries(value).flatMap(([key, each]) => textFaults(each, child(path, key)))
    return [{ path, reason: `${kind}, which JSON does not have` }]
  }
  return [{ path, reason: `${Object.is(value, -0) ? '-0' : String(value)}, which JSON does not have` }]
}
