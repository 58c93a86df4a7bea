/** Commits and records as plain arrays, for links and backups. */
import { SessionlogError } from '../errors.ts'
import type { CommitRecord, LogRecord } from './port.ts'

/** `[sessionId, firstVersion, firstPosition, bytes, isArchived]` */
export type PlainRecord = readonly [string, number, number | undefined, Uint8Array, boolean?]

/** `[firstPosition, lastPosition, recordedAt, root, runs, forwarded]`, where the last two are flat lists. */
export type PlainCommit = readonly [number, number, number, string, readonly unknown[], readonly unknown[]]

export function recordToPlain(record: LogRecord): PlainRecord {
  const { sessionId, firstVersion, firstPosition, bytes, isArchived, fault } = record
  if (fault !== undefined) throw fault
  return isArchived
    ? [sessionId, firstVersion, firstPosition, bytes, true]
    : [sessionId, firstVersion, firstPosition, bytes]
}

export function recordFromPlain(plain: PlainRecord): LogRecord {
  const [sessionId, firstVersion, firstPosition, bytes, isArchived] = plain
  if (!(bytes instanceof Uint8Array))
    throw new SessionlogError('SESSIONLOG_CORRUPTION', 'What should be a record of events is none')
  return {
    sessionId,
    firstVersion,
    ...(firstPosition === undefined ? {} : { firstPosition }),
    bytes,
    ...(isArchived ? { isArchived } : {}),
  }
}

export function commitToPlain(commit: CommitRecord): PlainCommit {
  const { firstPosition, lastPosition, recordedAt, root, runs, forwarded } = commit
  const flatRuns = runs.flatMap(({ sessionId, firstVersion, count }) => [sessionId, firstVersion, count])
  const flatForwarded = forwarded.flatMap(each => [each.producer, each.sequence, each.position, each.count])
  return [firstPosition, lastPosition, recordedAt, root, flatRuns, flatForwarded]
}

export function commitFromPlain(plain: PlainCommit): CommitRecord {
  const [firstPosition, lastPosition, recordedAt, root, flatRuns, flatForwarded] = plain
  const runs = grouped(flatRuns, 3).map(([sessionId, firstVersion, count]) => ({
    sessionId: sessionId as string,
    firstVersion: firstVersion as number,
    count: count as number,
  }))
  const forwarded = grouped(flatForwarded, 4).map(([producer, sequence, position, count]) => ({
    producer: producer as string,
    sequence: sequence as number,
    position: position as number,
    count: count as number,
  }))
  return { firstPosition, lastPosition, recordedAt, root, runs, forwarded }
}

function grouped(flat: readonly unknown[], size: number): unknown[][] {
  const groups: unknown[][] = []
  for (let at = 0; at < flat.length; at += size) groups.push(flat.slice(at, at + size))
  return groups
}
