import { CborReader } from '../state/cbor-reader.ts'
import { freezeDeep } from '../state/freeze.ts'
import { NO_HASH } from './chain.ts'
import { type EventPayload, readRest, writeEvent } from './codec.ts'
import type { Append } from './commit.ts'
import type { EventKind } from './record.ts'
import type { RecordWriter } from './record-writer.ts'

/** An event that one process has made and another is to record: it has no place in the log yet. */
export interface Draft {
  readonly kind: EventKind
  readonly sessionId: string
  /** ms since the epoch; undefined where the event doesn't move it. */
  readonly expiresAt: number | undefined
  readonly payload: EventPayload
}

/** Writes an event as it would lie in the log, with zeros for its place. The bytes stay until the writer is reset. */
export function writeDraft(writer: RecordWriter, append: Append): Uint8Array {
  const { sessionId, version, facts, kind, changes } = append
  writer.beginRecord()
  writeEvent(
    writer,
    kind,
    { sessionId, version, facts, position: 0, recordedAt: 0, previousHash: NO_HASH },
    changes,
  )
  return writer.takeEvent()
}

/** How many items of an event's header stand between the session's id and the expiry. */
const PLACE_FIELDS = 4

/** Reads what {@link writeDraft} wrote; anything else throws. */
export function readDraft(bytes: Uint8Array): Draft {
  const reader = new CborReader(bytes)
  const fields = reader.array()
  const kind = reader.value() as EventKind
  const sessionId = reader.name()
  for (let field = 0; field < PLACE_FIELDS; field++) reader.skip()
  const expiresAt = reader.value() as number | undefined
  return { kind, sessionId, expiresAt, payload: readRest(reader, kind, fields, freezeDeep) }
}
