import { notRetained } from '../errors.ts'
import { decodePayload } from '../log/codec.ts'
import type { ReadableLog } from '../log/readable-log.ts'
import { KIND, type RawEvent } from '../log/record.ts'
import { fold, NO_STATE, type Versioned } from './fold.ts'

/** `recorded` is the store's clock, `occurred` the callers' (the store's where they gave none). */
export type TimeBy = 'recorded' | 'occurred'

/** A place in a session's history: a version, a time in ms since the epoch, or a position in the store. */
export type Point = ({ version: number } | { time: number; by?: TimeBy } | { position: number }) & {
  signal?: AbortSignal
}

/** A session's state at one of its versions, read from the last event before that holds it whole. */
export async function stateAtVersion(
  reader: ReadableLog,
  sessionId: string,
  version: number,
  signal?: AbortSignal,
): Promise<Versioned> {
  if (version === 0) return NO_STATE
  const events: RawEvent[] = []
  const { start } = reader.extent(sessionId)
  for await (const record of reader.session(sessionId, { from: start, to: version, reverse: true, signal })) {
    const whole = record.findIndex(event => event.kind !== KIND.CHANGES)
    for (const event of whole < 0 ? record : record.slice(0, whole + 1)) events.push(event)
    if (whole >= 0) break
  }
  return fold(events.reverse(), NO_STATE)
}

/** The last version, of those up to `head`, that was there at a point; the one before the extent where there is none. */
export function versionAt(
  reader: ReadableLog,
  sessionId: string,
  head: number,
  point: Exclude<Point, { version: number }>,
): Promise<number> {
  const { signal } = point
  if ('position' in point)
    return lastVersion(reader, sessionId, head, event => event.position <= point.position, signal)
  const { time, by = 'recorded' } = point
  return by === 'recorded'
    ? lastVersion(reader, sessionId, head, event => event.recordedAt <= time, signal)
    : versionOccurredBy(reader, sessionId, head, time, signal)
}

/** Positions rise and recorded times never fall, so they can be searched by halving. */
async function lastVersion(
  reader: ReadableLog,
  sessionId: string,
  head: number,
  wasThere: (event: RawEvent) => boolean,
  signal?: AbortSignal,
): Promise<number> {
  let low = reader.extent(sessionId).start - 1
  let high = head
  while (low < high) {
    signal?.throwIfAborted()
    const events = await reader.record(sessionId, Math.ceil((low + high) / 2))
    const first = events[0]!
    const within = events.filter(event => wasThere(event) && event.version <= high)
    if (within.length === 0) high = first.version - 1
    else if (within.length < events.length) return within[within.length - 1]!.version
    else low = within[within.length - 1]!.version
  }
  return low
}

/** Callers' times go as they like: the latest version wins whose time is not after the one asked for. */
async function versionOccurredBy(
  reader: ReadableLog,
  sessionId: string,
  head: number,
  time: number,
  signal?: AbortSignal,
): Promise<number> {
  const { first } = reader.extent(sessionId)
  if (head === 0) return 0
  for await (const record of reader.session(sessionId, { from: first, to: head, reverse: true, signal })) {
    const found = record.find(event => (decodePayload(event).facts.occurredAt ?? event.recordedAt) <= time)
    if (found !== undefined) return found.version
  }
  // Of the event before, only the store's time is known.
  if (first > 1) throw notRetained(sessionId, first)
  return 0
}
