import { SessionlogError } from '../index.ts'

/** A session as another store kept it. */
export interface ForeignSession {
  readonly sid: string
  /** What the app saw as `req.session`, the cookie included. */
  readonly session: Readonly<Record<string, unknown>>
  /** ms since the epoch; undefined where the source does not say: then it ends with its cookie. */
  readonly expiresAt?: number | undefined
  /** When it was last written, ms since the epoch, where the source says so. */
  readonly occurredAt?: number | undefined
}

/** One thing that a source holds: a file, a line, a row. */
export interface ForeignRecord {
  /** `line 12`, or the file's name. */
  readonly place: string
  /** About how much memory it takes. */
  readonly bytes: number
  /** Throws where it is no session; undefined where it is not meant to be one, such as a leftover temporary file. */
  readonly read: () => ForeignSession | Aside
}

/** What is left aside, and why. */
export interface Aside {
  readonly aside: string
}

/** How far reading has come, in whatever the source counts: bytes of a dump, files of a directory. */
export interface Pace {
  readonly done: number
  /** Undefined where nobody knows. */
  readonly total: number | undefined
}

/** What is imported; it is read once. */
export interface ForeignSource {
  readonly pace: Pace
  records(): AsyncIterable<ForeignRecord>
}

/** A record that is not imported; nothing else is concerned. */
export function refused(message: string, path = ''): SessionlogError {
  return new SessionlogError('SESSIONLOG_IMPORT_REJECTED', message, { path })
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused(`not JSON: ${(error as Error).message}`)
  }
}

export function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw refused(`${what} is no JSON object`)
}

/** What every session of express-session is: an object that has a `cookie`. */
export function sessionOf(value: unknown, what = 'the session'): Record<string, unknown> {
  const session = objectOf(value, what)
  if (isEncrypted(session))
    throw refused(`${what} is encrypted: only the app that has its secret can read it`)
  if (Object.hasOwn(session, 'cookie')) {
    objectOf(session.cookie, `the cookie of ${what}`)
    return session
  }
  throw refused(`${what} has no cookie, so it is none of express-session`)
}

/** A session that the store kept as JSON text. */
export function sessionIn(text: unknown, what = 'the session'): Record<string, unknown> {
  if (typeof text !== 'string') return sessionOf(text, what)
  return sessionOf(parseJson(text), what)
}

/** What kruptein writes, the encryption of session-file-store and connect-mongo. */
function isEncrypted(session: Record<string, unknown>): boolean {
  return !Object.hasOwn(session, 'cookie') && ['ct', 'iv', 'hmac'].every(name => Object.hasOwn(session, name))
}

/** A finite number of ms, from what a source says about a time. */
export function timeOf(value: unknown, name: string): number {
  const ms = typeof value === 'string' && !/^-?\d+(\.\d+)?$/.test(value) ? Date.parse(value) : Number(value)
  const known =
    typeof value === 'string'
      ? value !== ''
      : ['number', 'bigint'].includes(typeof value) || value instanceof Date
  if (known && Number.isFinite(ms)) return ms
  throw refused(`${name} is no time: ${JSON.stringify(value) ?? String(value)}`, `/${name}`)
}
