import { hasCode } from '../errors.ts'
import type { RecordedEvent } from '../event.ts'
import { decodePayload, type EventPayload, recordedEvent } from '../log/codec.ts'
import type { VersionRange } from '../log/port.ts'
import type { ReadableLog } from '../log/readable-log.ts'
import { corrupted, type RawEvent } from '../log/record.ts'
import { stateAfter, type Versioned } from './fold.ts'
import { stateAtVersion } from './time-travel.ts'

/** An event, and the state before and after it, as they were recorded. */
export interface RawStep {
  readonly event: RecordedEvent
  readonly before: Versioned
  readonly after: Versioned
}

/** A session's events `from` to `to` (both there), oldest first, each with its states: one pass over them. */
export async function* readSteps(
  reader: ReadableLog,
  sessionId: string,
  { from, to, signal }: VersionRange,
): AsyncGenerator<RawStep, void, undefined> {
  if (from > to) return
  let before = await stateAtVersion(reader, sessionId, from - 1, signal)
  for await (const record of reader.session(sessionId, { from, to, signal })) {
    for (const raw of record) {
      signal?.throwIfAborted()
      const payload = decodePayload(raw)
      const { facts, changes } = payload
      const after = { state: madeOf(raw, payload, before), schemaVersion: facts.schemaVersion ?? 0 }
      yield { event: recordedEvent(raw, { ...facts, expiresAt: raw.expiresAt }, changes), before, after }
      before = after
    }
  }
}

function madeOf(event: RawEvent, payload: EventPayload, { state }: Versioned): unknown {
  try {
    return stateAfter(event, payload, state)
  } catch (cause) {
    if (!hasCode(cause, 'SESSIONLOG_CORRUPTION')) throw cause
    throw corrupted(event.sessionId, event.version, 'has changes that do not fit the state before it', cause)
  }
}
