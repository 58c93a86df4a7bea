import { SessionlogError } from '../errors.ts'
import { decodeChecked, encodeChecked, type FieldType } from './checked.ts'
import { orderedNumber, parseOrderedNumber, parseSessionKey, RANGE, sessionPrefix } from './keys.ts'
import type { ArchivedBlock, PrunedEvent, PrunedRun, Retention } from './retention.ts'

/** What the log in LevelDB keeps of events that left it. docs/format.md has the grammar. */
export function archivedKey(sessionId: string, firstVersion: number): string {
  return sessionPrefix(RANGE.archived, sessionId) + orderedNumber(firstVersion)
}

export function archivedEntry(block: ArchivedBlock): [string, Uint8Array] {
  const { sessionId, firstVersion, lastVersion, recordedAt, file, offset, length } = block
  const fields = [sessionId, firstVersion, lastVersion, recordedAt, file, offset, length]
  return [archivedKey(sessionId, firstVersion), encodeChecked(fields)]
}

const BLOCK: readonly FieldType[] = ['text', 'count', 'count', 'number', 'count', 'count', 'count']

export function decodeArchived(key: string, value: Buffer): ArchivedBlock {
  const { sessionId, firstVersion, fields } = decodeOwn(key, value, BLOCK, 'entry of the archive')
  const [lastVersion, recordedAt, file, offset, length] = fields as [number, number, number, number, number]
  return { sessionId, firstVersion, lastVersion, recordedAt, file, offset, length }
}

const HASH_BYTES = 32

export function prunedEntry({ sessionId, firstVersion, events }: PrunedRun): [string, Uint8Array] {
  const hashes = Buffer.concat(events.map(({ hash }) => Buffer.from(hash, 'hex')))
  const places = events.flatMap(({ position, recordedAt }) => [position, recordedAt])
  const key = sessionPrefix(RANGE.pruned, sessionId) + orderedNumber(firstVersion)
  return [key, encodeChecked([sessionId, firstVersion, hashes, ...places])]
}

export function decodePruned(key: string, value: Buffer): PrunedRun {
  const types: readonly FieldType[] = ['text', 'count', 'bytes']
  const { sessionId, firstVersion, fields } = decodeOwn(key, value, types, 'run of pruned events', [
    'count',
    'number',
  ])
  const [hashes, ...places] = fields as [Uint8Array, ...number[]]
  const bytes = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.length)
  const events: PrunedEvent[] = []
  for (let at = 0; at < places.length; at += 2)
    events.push({
      position: places[at]!,
      recordedAt: places[at + 1]!,
      hash: bytes.toString('hex', (HASH_BYTES * at) / 2, HASH_BYTES * (at / 2 + 1)),
    })
  return { sessionId, firstVersion, events }
}

export function retentionEntry({ sessionId, cut, cutHash, held }: Retention): [string, Uint8Array] {
  const fields = [sessionId, cut, Buffer.from(cutHash, 'hex'), Number(held)]
  return [sessionPrefix(RANGE.retention, sessionId), encodeChecked(fields)]
}

export function decodeRetention(key: string, value: Buffer): Retention {
  const { sessionId } = parseSessionKey(key)
  const fields = decodeChecked(value, ['text', 'count', 'hash', 'count'], `retention of '${sessionId}'`, {
    sessionId,
  })
  const [owner, cut, cutHash, held] = fields as [string, number, Uint8Array, number]
  if (owner !== sessionId) throw misplaced('retention', owner, sessionId)
  return { sessionId, cut, cutHash: Buffer.from(cutHash).toString('hex'), held: held === 1 }
}

/** An entry that begins with the session and the version that its key names. */
function decodeOwn(
  key: string,
  value: Buffer,
  types: readonly FieldType[],
  what: string,
  repeated: readonly FieldType[] = [],
): { sessionId: string; firstVersion: number; fields: unknown[] } {
  const { sessionId, rest } = parseSessionKey(key)
  const of = `${what} of session '${sessionId}'`
  const [owner, firstVersion, ...fields] = decodeChecked(value, types, of, { sessionId, repeated })
  if (owner !== sessionId || firstVersion !== parseOrderedNumber(rest))
    throw misplaced(what, owner as string, sessionId)
  return { sessionId, firstVersion: firstVersion as number, fields }
}

function misplaced(what: string, owner: string, sessionId: string): SessionlogError {
  const message = `The ${what} of session '${owner}' is in the log under a key of session '${sessionId}'`
  return new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId: owner })
}
