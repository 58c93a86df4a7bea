import type { VersionRange } from '../log/port.ts'
import type { LogReader } from '../log/reader.ts'
import type { RawEvent } from '../log/record.ts'
import type { CompactedSession } from './compacted-session.ts'

/** Events of a session that are to be sealed together, and what they take. */
export interface Tail {
  readonly session: CompactedSession
  readonly events: RawEvent[]
  readonly bytes: number
  /** Whether nothing of the session is left to be sealed after these. */
  readonly isLast: boolean
}

/** What is held in memory of a session with a long tail, about. */
const TAIL_BYTES = 8 << 20

/** A session's events up to a position, in order, and in several tails where they are many. */
export async function* readTail(
  reader: LogReader,
  session: CompactedSession,
  range: VersionRange,
  lastPosition: number,
): AsyncGenerator<Tail, void, undefined> {
  let events: RawEvent[] = []
  let bytes = 0
  for await (const record of reader.session(session.id, range)) {
    const sealed = record.filter(event => event.position <= lastPosition)
    if (sealed.length === 0) break
    if (bytes >= TAIL_BYTES) {
      yield { session, events, bytes, isLast: false }
      events = []
      bytes = 0
    }
    for (const event of sealed) {
      events.push(event)
      bytes += event.bytes.length
    }
  }
  if (events.length > 0) yield { session, events, bytes, isLast: true }
}

export async function eventsOf(records: AsyncIterable<readonly RawEvent[]>): Promise<RawEvent[]> {
  const events: RawEvent[] = []
  for await (const record of records) for (const event of record) events.push(event)
  return events
}
