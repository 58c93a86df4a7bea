import { isDeepStrictEqual } from 'node:util'
import { SessionlogError } from '../../index.ts'

/** A session as JSON has it. */
export type JsonSession = { readonly [key: string]: unknown }

/**
 * What `JSON.stringify` makes of a session, in that moment: a Date becomes a text, `undefined` and functions are left out,
 * as in every other store of express-session. `SESSIONLOG_INVALID_STATE` where that is no object.
 */
export function toJson(session: unknown): JsonSession {
  const text = JSON.stringify(session)
  const json: unknown = text === undefined ? undefined : JSON.parse(text)
  if (isRecord(json)) return json
  throw new SessionlogError('SESSIONLOG_INVALID_STATE', 'A session must be an object')
}

/** A copy that whoever gets it may change. */
export function copyOf(state: unknown, id: string): JsonSession {
  if (isRecord(state)) return JSON.parse(JSON.stringify(state))
  const message = `What is recorded as session '${id}' is no object`
  throw new SessionlogError('SESSIONLOG_INVALID_STATE', message, { sessionId: id })
}

export function isRecord(value: unknown): value is JsonSession {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether two sessions hold the same, their cookies apart. The order of keys does not count. */
export function sameBody(one: JsonSession, other: JsonSession): boolean {
  return isDeepStrictEqual({ ...one, cookie: null }, { ...other, cookie: null })
}

/** Max-Age counts whole seconds. Setting a cookie's expiry moves its `originalMaxAge` by the ms that have passed. */
const MAX_AGE_MS_STEP = 1000

/** The cookie to record: the one that is there already, unless something is new about it. */
export function cookieAfter(next: unknown, before: unknown): unknown {
  if (!isRecord(next) || !isRecord(before)) return next
  const [newAge, oldAge] = [next.originalMaxAge, before.originalMaxAge]
  const isNear =
    typeof newAge === 'number' && typeof oldAge === 'number' && Math.abs(newAge - oldAge) < MAX_AGE_MS_STEP
  const cookie = isNear ? { ...next, originalMaxAge: oldAge } : next
  return isDeepStrictEqual(cookie, { ...before }) ? before : cookie
}
