import { sha256 } from '../log/chain.ts'
import type { LogRecord } from '../log/port.ts'
import { type RawEvent, readRecord } from '../log/record.ts'
import { FRAME_BYTES, HASH_BYTES } from '../log/record-writer.ts'
import { tryDecodeCbor } from '../state/cbor-values.ts'

/** What stands in front of an event in a record, and in front of a hash. */
const LENGTH_HEAD = 0x1a
const HASH_HEAD = Buffer.from([0x58, 0x20])

/** The events of a record, of whatever session, that can be believed. */
export interface SoundEvents {
  readonly events: readonly RawEvent[]
  /** False where there was something in it that can't. */
  readonly whole: boolean
}

/**
 * The events of a record whose hash is in what follows them, whatever else of the record is damaged. They say
 * themselves which they are, so the key that they were found under is not asked.
 */
export function soundEvents(bytes: Buffer): SoundEvents {
  const events: RawEvent[] = []
  let at = 0
  let whole = true
  while (bytes.length - at > HASH_BYTES) {
    const end = bytes[at] === LENGTH_HEAD ? at + FRAME_BYTES + bytes.readUInt32BE(at + 1) : bytes.length
    if (end > bytes.length) return { events, whole: false }
    const event = soundEvent(bytes, at, end)
    if (event === undefined) whole = false
    else events.push(event)
    at = end
  }
  return { events, whole: whole && bytes.length - at === HASH_BYTES }
}

function soundEvent(bytes: Buffer, at: number, end: number): RawEvent | undefined {
  const hash = Buffer.concat([
    HASH_HEAD,
    Buffer.from(sha256(bytes.subarray(at + FRAME_BYTES - 1, end)), 'hex'),
  ])
  if (!isFollowedBy(hash, bytes, end)) return undefined
  const header = tryDecodeCbor(bytes.subarray(at + FRAME_BYTES, end))
  if (!Array.isArray(header)) return undefined
  const [, sessionId, firstVersion] = header as [unknown, string, number]
  try {
    const record: LogRecord = {
      sessionId,
      firstVersion,
      bytes: Buffer.concat([bytes.subarray(at, end), hash]),
    }
    return readRecord(record)[0]
  } catch {
    return undefined
  }
}

/** The hash of an event stands in the event after it, or at the end of the record. */
function isFollowedBy(hash: Buffer, bytes: Buffer, end: number): boolean {
  const isLast = bytes.length - end <= HASH_BYTES || bytes[end] !== LENGTH_HEAD
  const next = isLast ? bytes.length : end + FRAME_BYTES + bytes.readUInt32BE(end + 1)
  return bytes.subarray(end, next).includes(hash)
}
