import { CborReader } from '../state/cbor-reader.ts'
import { NO_HASH } from './chain.ts'
import { decodePayload, type EventPayload, writeEvent } from './codec.ts'
import type { Append } from './commit.ts'
import type { EventKind } from './record.ts'
import type { RecordWriter } from './record-writer.ts'

/** An event that one process has made and another is to record: it has no place in the log yet. */
export interface Draft extends EventPayload {
  readonly kind: EventKind
  readonly sessionId: string
  /** The version that it has where its maker sees all there is. */
  readonly version: number
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

/** Where an event's header has its expiry. */
const EXPIRES_FIELD = 6

export function readDraft(bytes: Uint8Array): Draft {
  const reader = new CborReader(bytes)
  reader.array()
  const [kind, sessionId, version] = [reader.value() as EventKind, reader.name(), reader.value() as number]
  for (let field = 3; field < EXPIRES_FIELD; field++) reader.skip()
  const expiresAt = reader.value() as number | undefined
  const payload = decodePayload({ kind, bytes })
  return { ...payload, facts: { ...payload.facts, expiresAt }, kind, sessionId, version }
}
