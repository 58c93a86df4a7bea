import type { CommitRecord, EventLog, LogRecord } from './port.ts'
import { packRecord, type RawEvent } from './record.ts'
import { RecordReader } from './record-reader.ts'

/** A commit with its events, as those get it who follow the log. */
export interface FollowedCommit {
  readonly commit: CommitRecord
  /** One for each session that has events in it. */
  readonly records: readonly LogRecord[]
}

/** Commits that are in the log already, after a position and up to another. */
export async function* readFollowed(
  log: Pick<EventLog, 'read' | 'commits'>,
  after: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<FollowedCommit, void, undefined> {
  const reader = new RecordReader(log)
  for await (const page of log.commits(after, signal)) {
    for (const commit of page) {
      if (commit.lastPosition > to) return
      yield { commit, records: await recordsOf(reader, commit) }
    }
  }
}

async function recordsOf(reader: RecordReader, { runs }: CommitRecord): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (const { sessionId, firstVersion, count } of runs) {
    const events: RawEvent[] = []
    const range = { from: firstVersion, to: firstVersion + count - 1 }
    for await (const part of reader.session(sessionId, range)) events.push(...part)
    const { position: firstPosition } = events[0]!
    records.push({ sessionId, firstVersion, firstPosition, bytes: packRecord(events) })
  }
  return records
}
