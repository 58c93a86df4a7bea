import type { LogRecord } from './port.ts'
import { KIND, packRecord, type RawEvent } from './record.ts'

/** A sealed record is closed at the next event that holds the whole state, once it has this many bytes. */
export const SEGMENT_BYTES_MIN = 1024

/**
 * Packs a session's consecutive events into sealed records: each begins with an event that holds the whole
 * state, but for the first where the one sealed before goes on. Whoever wants a version reads about one of them.
 */
export function cutSegments(events: readonly RawEvent[]): LogRecord[] {
  const segments: LogRecord[] = []
  let run: RawEvent[] = []
  let bytes = 0
  const close = () => {
    if (run.length === 0) return
    const { sessionId, version } = run[0]!
    segments.push({ sessionId, firstVersion: version, bytes: packRecord(run) })
    run = []
    bytes = 0
  }
  for (const event of events) {
    if (event.kind !== KIND.CHANGES && bytes >= SEGMENT_BYTES_MIN) close()
    run.push(event)
    bytes += event.bytes.length
  }
  close()
  return segments
}
