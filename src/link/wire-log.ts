import type { FollowedCommit } from '../log/followed.ts'
import type { CommitRecord, LogOperation, LogRecord } from '../log/port.ts'
import { malformed } from './channel.ts'
import { encodeMessage } from './frame.ts'
import { MESSAGE } from './message.ts'

/** `[sessionId, firstVersion, firstPosition, bytes]` */
type WireRecord = readonly [string, number, number | undefined, Uint8Array]

/** `[firstPosition, lastPosition, recordedAt, root, runs, forwarded]`, where the last two are flat lists. */
type WireCommit = readonly [number, number, number, string, readonly unknown[], readonly unknown[]]

export function recordToWire({ sessionId, firstVersion, firstPosition, bytes }: LogRecord): WireRecord {
  return [sessionId, firstVersion, firstPosition, bytes]
}

export function recordFromWire([sessionId, firstVersion, firstPosition, bytes]: WireRecord): LogRecord {
  if (!(bytes instanceof Uint8Array)) throw malformed('a record')
  return { sessionId, firstVersion, ...(firstPosition === undefined ? {} : { firstPosition }), bytes }
}

export function commitToWire(commit: CommitRecord): WireCommit {
  const { firstPosition, lastPosition, recordedAt, root, runs, forwarded } = commit
  const flatRuns = runs.flatMap(({ sessionId, firstVersion, count }) => [sessionId, firstVersion, count])
  const flatForwarded = forwarded.flatMap(each => [each.producer, each.sequence, each.position, each.count])
  return [firstPosition, lastPosition, recordedAt, root, flatRuns, flatForwarded]
}

export function commitFromWire(wire: WireCommit): CommitRecord {
  const [firstPosition, lastPosition, recordedAt, root, flatRuns, flatForwarded] = wire
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

/** The message that tells followers of a commit; undefined where the operations hold none. */
export function commitMessage(operations: readonly LogOperation[]): Buffer | undefined {
  const commit = operations.find(each => each.op === 'commit')?.commit
  if (commit === undefined) return undefined
  const records = operations.flatMap(each => (each.op === 'record' ? [recordToWire(each)] : []))
  return encodeMessage([MESSAGE.COMMIT, commitToWire(commit), records])
}

export function followedFromWire(commit: unknown, records: unknown): FollowedCommit {
  return {
    commit: commitFromWire(commit as WireCommit),
    records: (records as readonly WireRecord[]).map(recordFromWire),
  }
}

function grouped(flat: readonly unknown[], size: number): unknown[][] {
  const groups: unknown[][] = []
  for (let at = 0; at < flat.length; at += size) groups.push(flat.slice(at, at + size))
  return groups
}
