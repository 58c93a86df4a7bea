import { SessionlogError } from '../errors.ts'
import { encodeCbor, tryDecodeCbor } from '../state/cbor-values.ts'
import { archivedEntry, retentionEntry } from './archive-entries.ts'
import { decodeChecked, encodeChecked } from './checked.ts'
import { decodeForwarded, encodeForwarded, isWithin } from './forwarded.ts'
import {
  gapsBetween,
  orderedNumber,
  parseOrderedNumber,
  parseSessionKey,
  RANGE,
  rangeOf,
  sessionPrefix,
  splitOrderedNumber,
} from './keys.ts'
import type {
  CommitRecord,
  EventId,
  Expiry,
  Fork,
  Frontier,
  LogOperation,
  LogRecord,
  StoredBase,
  StoreRecord,
} from './port.ts'
import type { TailPlace } from './tail-index.ts'

/** The keys and values of the log in LevelDB. docs/format.md has the grammar. */
export const STORE_KEY = `${RANGE.store}store`
export const FRONTIER_KEY = `${RANGE.store}frontier`
export const SYNC_KEY = `${RANGE.store}sync`

/** Where no key of ours lies. */
export const STRAYS = gapsBetween([
  ...[STORE_KEY, FRONTIER_KEY, SYNC_KEY].map(key => ({ gte: key, lt: `${key}\0` })),
  { ...rangeOf(RANGE.commit), gte: RANGE.commit + orderedNumber(1) },
  ...[RANGE.tail, RANGE.segment, RANGE.base, RANGE.eventId, RANGE.fork, RANGE.expiry].map(rangeOf),
  ...[RANGE.archived, RANGE.pruned, RANGE.retention].map(rangeOf),
])

export function segmentKey({
  sessionId,
  firstVersion,
}: Pick<LogRecord, 'sessionId' | 'firstVersion'>): string {
  return sessionPrefix(RANGE.segment, sessionId) + orderedNumber(firstVersion)
}

/** In commit order; the session and its version are there for whoever reads the tail from the beginning. */
export function tailKey(sessionId: string, { firstPosition, firstVersion }: TailPlace): string {
  return sessionPrefix(RANGE.tail + orderedNumber(firstPosition), sessionId) + orderedNumber(firstVersion)
}

export function eventIdKey(sessionId: string, eventId: string): string {
  return sessionPrefix(RANGE.eventId, sessionId) + eventId
}

export function entryOf(operation: Exclude<LogOperation, { op: 'seal' | 'prune' }>): [string, Uint8Array] {
  switch (operation.op) {
    case 'record':
      return [tailKey(operation.sessionId, operation), operation.bytes]
    case 'commit':
      return encodeCommit(operation.commit)
    case 'eventId':
      return [eventIdKey(operation.sessionId, operation.eventId), encodeCbor(operation.version)]
    case 'base':
      return [sessionPrefix(RANGE.base, operation.sessionId), operation.bytes]
    case 'expiry':
      return [
        sessionPrefix(RANGE.expiry, operation.sessionId),
        encodeChecked([operation.expiresAt, operation.version, operation.sessionId]),
      ]
    case 'fork':
      return [sessionPrefix(RANGE.fork, operation.sessionId) + operation.child, encodeCbor(operation.version)]
    case 'archive':
      return archivedEntry(operation.block)
    case 'retention':
      return retentionEntry(operation)
    case 'frontier': {
      const { position, peaks } = operation.frontier
      return [FRONTIER_KEY, encodeChecked([position, ...peaks.map(fromHex)])]
    }
    case 'store':
      return [STORE_KEY, encodeChecked([operation.record])]
  }
}

function encodeCommit({
  firstPosition,
  lastPosition,
  recordedAt,
  root,
  runs,
  forwarded,
}: CommitRecord): [string, Uint8Array] {
  const fields: unknown[] = [firstPosition, recordedAt, fromHex(root), encodeForwarded(forwarded)]
  for (const run of runs) fields.push(run.sessionId, run.firstVersion, run.count)
  return [RANGE.commit + orderedNumber(lastPosition), encodeChecked(fields)]
}

const COMMIT = ['count', 'number', 'hash', 'bytes'] as const
const RUN = ['text', 'count', 'count'] as const

export function decodeCommit(key: string, value: Buffer): CommitRecord {
  const lastPosition = parseOrderedNumber(key.slice(1))
  const what = `commit at position ${lastPosition}`
  const place = Number.isNaN(lastPosition) ? {} : { position: lastPosition }
  const fields = decodeChecked(value, COMMIT, what, { ...place, repeated: RUN })
  const [firstPosition, recordedAt, root, from, ...rest] = fields as [
    number,
    number,
    Uint8Array,
    Uint8Array,
    ...unknown[],
  ]
  const runs = []
  let end = firstPosition
  for (let i = 0; i < rest.length; i += 3) {
    runs.push({
      sessionId: rest[i] as string,
      firstVersion: rest[i + 1] as number,
      count: rest[i + 2] as number,
    })
    end += runs.at(-1)!.count
  }
  if (end - 1 !== lastPosition) {
    const message = `The commit up to position ${end - 1} is in the log under the key of ${lastPosition}`
    throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { position: end - 1 })
  }
  const forwarded = decodeForwarded(from)
  if (forwarded?.every(each => isWithin(each, firstPosition, lastPosition)) !== true)
    throw new SessionlogError('SESSIONLOG_CORRUPTION', `The ${what} in the log is damaged`, place)
  return { firstPosition, lastPosition, recordedAt, root: toHex(root), runs, forwarded }
}

export function decodeSegment(key: string, bytes: Buffer): LogRecord {
  const { sessionId, rest } = parseSessionKey(key)
  return { sessionId, firstVersion: parseOrderedNumber(rest), bytes }
}

export function decodeTail(key: string, bytes: Buffer): LogRecord & TailPlace {
  const position = splitOrderedNumber(key.slice(1))
  const { sessionId, rest } = parseSessionKey(RANGE.tail + position.rest)
  return { sessionId, firstVersion: parseOrderedNumber(rest), firstPosition: position.value, bytes }
}

export function decodeStore(value: Uint8Array): StoreRecord {
  return decodeChecked(value, ['object'], "store's record")[0] as StoreRecord
}

export function decodeFrontier(value: Uint8Array): Frontier {
  const fields = decodeChecked(value, ['count'], 'frontier', { repeated: ['hash'] })
  const [position, ...peaks] = fields as [number, ...Uint8Array[]]
  return { position, peaks: peaks.map(toHex) }
}

/** The version, which is not proved: the event itself says which id it has. */
export function decodeEventId(value: Uint8Array, sessionId: string): number {
  const version = versionIn(value)
  if (version !== undefined) return version
  const message = `An event id of session '${sessionId}' in the log is damaged`
  throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId })
}

export function decodeEventIdEntry(key: string, value: Uint8Array): EventId {
  const { sessionId, rest } = parseSessionKey(key)
  return { sessionId, eventId: rest, version: versionIn(value) ?? Number.NaN }
}

/** Not proved either: the child's first event says where it comes from. The version is 0 where it cannot be read. */
export function decodeFork(key: string, value: Uint8Array): Fork {
  const { sessionId, rest } = parseSessionKey(key)
  return { sessionId, child: rest, version: versionIn(value) ?? 0 }
}

export function decodeStoredBase(key: string, bytes: Buffer): StoredBase {
  return { sessionId: parseSessionKey(key).sessionId, bytes }
}

export function decodeExpiry(key: string, value: Buffer): Expiry {
  const { sessionId } = parseSessionKey(key)
  const fields = decodeChecked(value, EXPIRY, `expiry of session '${sessionId}'`, { sessionId })
  const [expiresAt, version, owner] = fields as [number, number, string]
  if (owner === sessionId) return { sessionId, expiresAt, version }
  const message = `The expiry of session '${owner}' is in the log under the key of session '${sessionId}'`
  throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId: owner })
}

const EXPIRY = ['number', 'count', 'text'] as const

function versionIn(value: Uint8Array): number | undefined {
  const version = tryDecodeCbor(value)
  return Number.isSafeInteger(version) ? (version as number) : undefined
}

function fromHex(hash: string): Buffer {
  return Buffer.from(hash, 'hex')
}

function toHex(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('hex')
}
