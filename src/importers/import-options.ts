import { checkNames, checkType, wrong } from '../arguments.ts'
import { type Actor, SessionlogTypeError, type SessionStore } from '../index.ts'

/** What sessions can be brought from. */
export const SOURCES = ['session-file-store', 'connect-sqlite3', 'connect-mongo', 'connect-redis'] as const

export type ImportFrom = (typeof SOURCES)[number]

export interface ImportSessionsOptions {
  /** Where the sessions go. May be missing in a dry run: then it is as if the store were empty. */
  // biome-ignore lint/suspicious/noExplicitAny: of whatever states, the sessions become some of them.
  store?: SessionStore<any>
  /** The store that the sessions come from. */
  from: ImportFrom
  /** The path of its directory, its database or its dump; a dump may also be read as it comes. */
  source: string | AsyncIterable<Uint8Array>
  /** Says what would happen, and changes nothing. Default: false. */
  dryRun?: boolean
  /** Brings also the sessions that are over; the store ends them at once, as `$expired`. Default: false. */
  keepExpired?: boolean
  /** Replaces a session that is there with other content. One that has ended here stays ended. Default: false. */
  overwrite?: boolean
  /** Of the events. Default: `import`. */
  actor?: Actor
  /** connect-redis: what its keys begin with. Default: `sess:`. */
  prefix?: string
  /** session-file-store: its `fileExtension`. Default: `.json`. */
  extension?: string
  /** session-file-store: its `ttl`, in seconds. Default: 3600. */
  ttl?: number
  /** connect-sqlite3: its `table`. Default: `sessions`. */
  table?: string
  /** Told now and then how far it is. */
  onProgress?: (progress: ImportProgress) => void
  /** Told of each record that was not imported; the report only keeps the first 100. */
  onProblem?: (problem: ImportProblem) => void
  /** Stops between two records: what was imported stays, and the next run goes on from it. */
  signal?: AbortSignal
}

export interface ImportProgress {
  readonly records: number
  /** Bytes of a dump, rows of a database, files of a directory. */
  readonly done: number
  /** Undefined where nobody knows. */
  readonly total: number | undefined
}

/** Why a record was not imported: it is wrong, or the store has another session of that id, or it is no session. */
export interface ImportProblem {
  readonly kind: 'refused' | 'conflict' | 'ignored'
  /** `line 12`, `row 3`, or the file's name. */
  readonly place: string
  /** Of the session, where it is known. */
  readonly sessionId?: string
  readonly reason: string
}

export interface SessionsReport {
  readonly from: ImportFrom
  readonly dryRun: boolean
  /** All that was read: the sum of the counts below. */
  readonly records: number
  /** In a dry run: those that would be. */
  readonly imported: number
  /** Sessions that are here with the same content, or were imported before and have changed or ended since. */
  readonly alreadyThere: number
  /** Sessions that were over, and so left out. */
  readonly expired: number
  /** Sessions that are here with other content, or have ended here. */
  readonly conflicts: number
  readonly refused: number
  /** What is no session, such as the leftover temporary files of a directory. */
  readonly ignored: number
  /** The first 100. */
  readonly problems: readonly ImportProblem[]
}

const TYPES = {
  dryRun: 'boolean',
  keepExpired: 'boolean',
  overwrite: 'boolean',
  prefix: 'string',
  extension: 'string',
  ttl: 'number',
  table: 'string',
  onProgress: 'function',
  onProblem: 'function',
} as const

/** Options of one kind of source only. */
const OWN = {
  prefix: 'connect-redis',
  extension: 'session-file-store',
  ttl: 'session-file-store',
  table: 'connect-sqlite3',
} as const

export function checkImportSessions(options: ImportSessionsOptions): void {
  if (typeof options !== 'object' || options === null)
    throw wrong('importSessions() takes an object of options', '')
  checkNames(options, [...Object.keys(TYPES), 'store', 'from', 'source', 'actor', 'signal'])
  for (const [name, type] of Object.entries(TYPES)) checkType(options, name, type)
  const { store, from, source, dryRun, ttl, signal } = options
  if (!SOURCES.includes(from))
    throw wrong(`from must be one of ${SOURCES.join(', ')}, not ${String(from)}`, 'from')
  for (const [name, owner] of Object.entries(OWN))
    if (options[name as keyof typeof OWN] !== undefined && from !== owner)
      throw wrong(`${name} is for ${owner}`, name)
  if (store === undefined && !dryRun) throw wrong('store must be given, unless in a dry run', 'store')
  if (store !== undefined && typeof store?.save !== 'function') throw wrong('store must be a store', 'store')
  if (ttl !== undefined && !(Number.isFinite(ttl) && ttl > 0))
    throw wrong('ttl must be a number of seconds above 0', 'ttl')
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw wrong('signal must be an AbortSignal', 'signal')
  checkSource(source, from)
}

function checkSource(source: unknown, from: ImportFrom): void {
  const isPath = typeof source === 'string' && source !== '' && !source.includes('\0')
  const isStream = typeof source === 'object' && source !== null && Symbol.asyncIterator in source
  if (isPath || (isStream && from !== 'session-file-store')) return
  const what = from === 'session-file-store' ? 'a path' : 'a path or an async iterable of bytes'
  throw new SessionlogTypeError(`source must be ${what}`, 'source')
}
