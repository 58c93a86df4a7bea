import type { RecordedEvent } from '../event.ts'
import { decodePayload, recordedEvent } from '../log/codec.ts'
import type { VersionRange } from '../log/port.ts'
import type { ReadableLog } from '../log/readable-log.ts'
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
      const after = {
        state: stateAfter(raw, payload, before.state),
        schemaVersion: facts.schemaVersion ?? 0,
      }
      yield { event: recordedEvent(raw, { ...facts, expiresAt: raw.expiresAt }, changes), before, after }
      before = after
    }
  }
}
