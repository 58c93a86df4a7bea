import { SessionlogError } from '../errors.ts'
import { tryDecodeCbor } from '../state/cbor-values.ts'
import { sha256 } from './chain.ts'
import type { LogRecord } from './port.ts'
import { FRAME_BYTES, HASH_BYTES, RecordWriter } from './record-writer.ts'

/**
 * A record is a LevelDB value: consecutive events of one session, as a CBOR sequence (RFC 8742). Each event
 * stands as three items: its length in bytes, the integer 0, the event. The 0 is the byte that RFC 6962 puts
 * before a leaf, so what is hashed lies in one piece: SHA-256(0x00 ‖ event). The sequence ends with the hash of
 * the last event, as a byte string; those of the others stand in the events after them. So each event is
 * compared with a hash that lies outside it.
 *
 * An event is a CBOR array, and always begins
 * `[kind, sessionId, version, position, recordedAt, previousHash, expiresAt, …`.
 */
export interface EventHeader {
  readonly kind: EventKind
  readonly sessionId: string
  readonly version: number
  readonly position: number
  readonly recordedAt: number
  readonly previousHash: string
  /** Where the event moves the session's expiry: ms since the epoch, `Infinity` for never. */
  readonly expiresAt: number | undefined
}

/** What an event holds, beside its header. All but `CHANGES` are points from which a state can be rebuilt. */
export const KIND = {
  /** Changes against the state before. */
  CHANGES: 0,
  /** Changes that are the whole state: it was added or replaced at the root. */
  WHOLE: 1,
  /** Changes, and the whole state after them beside. */
  KEYFRAME: 2,
  /** The session has no state after this event. */
  DELETED: 3,
} as const

export type EventKind = (typeof KIND)[keyof typeof KIND]

/** What an event is decoded from. */
export interface EncodedEvent {
  readonly kind: EventKind
  /** The event's own bytes, without the 0 in front. */
  readonly bytes: Uint8Array
}

/** An event in its record: its header and bytes. Its hash is the one that its bytes have and must have. */
export interface RawEvent extends EventHeader {
  /** Shared with the record. */
  readonly bytes: Uint8Array
  readonly hash: string
  /** In a bundle: these are not the bytes that were logged. */
  readonly redacted?: true
}

/**
 * A record's events: of that session, from that version on without a gap, each linked to the one before and
 * each as its hash says. Anything else is `SESSIONLOG_CORRUPTION`, with the version that is at fault.
 */
export function readRecord(record: LogRecord): RawEvent[] {
  const { sessionId, firstVersion, loggedHash, fault } = record
  if (fault !== undefined) throw fault
  const cursor = new Cursor(record)
  const { events } = cursor
  while (!cursor.atEnd) events.push(cursor.event())
  const lastHash = cursor.lastHash()
  for (let at = 0; at < events.length; at++) {
    if (events[at]!.hash === (events[at + 1]?.previousHash ?? lastHash)) continue
    // Either the event was changed, or what follows it and names its hash: then that is not as its own hash says.
    const next = events[at + 1]
    const isNext = next !== undefined && next.hash !== (events[at + 2]?.previousHash ?? lastHash)
    throw corrupted(sessionId, firstVersion + at + (isNext ? 1 : 0), 'is not as its hash says')
  }
  // The hashes are right, so the events say what they are: it is the key that may be wrong.
  const [first] = events as [RawEvent]
  for (const [at, event] of events.entries()) {
    if (event.sessionId !== sessionId)
      throw corrupted(sessionId, firstVersion + at, `is version ${event.version} of '${event.sessionId}'`)
    if (event.version !== first.version + at)
      throw corrupted(sessionId, first.version + at, `stands as version ${event.version}`)
  }
  if (first.version !== firstVersion)
    throw corrupted(sessionId, first.version, `stands under the key of version ${firstVersion}`)
  const { firstPosition = first.position } = record
  if (first.position !== firstPosition)
    throw corrupted(sessionId, first.version, `stands under the key of position ${firstPosition}`)
  return loggedHash === undefined
    ? events
    : events.map(event => ({ ...event, hash: loggedHash, redacted: true }))
}

export function corrupted(
  sessionId: string,
  version: number,
  what: string,
  cause?: unknown,
): SessionlogError {
  const message = `Version ${version} of session '${sessionId}' ${what}`
  const place = { sessionId, ...(Number.isNaN(version) ? {} : { version }) }
  return new SessionlogError('SESSIONLOG_CORRUPTION', message, { ...place, cause })
}

/** A record of consecutive events that are there already. */
export function packRecord(events: readonly RawEvent[]): Uint8Array {
  const bytes = events.reduce((sum, event) => sum + event.bytes.length + FRAME_BYTES, HASH_BYTES)
  const writer = new RecordWriter(bytes)
  writer.beginRecord()
  for (const event of events) writer.event(event.bytes)
  return writer.endRecord(events[events.length - 1]!.hash)
}

/** Reads the few CBOR forms that frames and headers are made of. */
class Cursor {
  /** Those that have been read. */
  readonly events: RawEvent[] = []
  #at = 0
  #isLastHash = false
  readonly #bytes: Buffer
  readonly #sessionId: string
  readonly #idBytes: Buffer
  readonly #firstVersion: number

  constructor({ bytes, sessionId, firstVersion }: LogRecord) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#sessionId = sessionId
    this.#idBytes = Buffer.from(sessionId)
    this.#firstVersion = firstVersion
  }

  /** True where only the last hash is left, or less. */
  get atEnd(): boolean {
    return this.#at > 0 && this.#at + HASH_BYTES >= this.#bytes.length
  }

  event(): RawEvent {
    const length = this.#head(0)
    const start = this.#at
    const end = start + 1 + length
    if (this.#bytes[start] !== 0 || end > this.#bytes.length) this.#fail()
    this.#at = start + 1
    if (this.#head(0x80) < 7) this.#fail()
    const kind = this.#head(0)
    if (kind > KIND.DELETED) this.#fail()
    const event: RawEvent = {
      kind: kind as EventKind,
      sessionId: this.#id(),
      version: this.#count(),
      position: this.#count(),
      recordedAt: this.#number(),
      previousHash: this.#hash(),
      expiresAt: this.#bytes[this.#at] === UNDEFINED ? undefined : this.#number(),
      bytes: this.#bytes.subarray(start + 1, end),
      hash: sha256(this.#bytes.subarray(start, end)),
    }
    this.#at = end
    return event
  }

  lastHash(): string {
    this.#isLastHash = true
    const hash = this.#hash()
    if (this.#at !== this.#bytes.length) this.#fail()
    return hash
  }

  /** An integer, or a double where an encoder used one for an integer of over 32 bits. */
  #number(): number {
    if (this.#bytes[this.#at] !== 0xfb) return this.#head(0)
    if (this.#at + 9 > this.#bytes.length) this.#fail()
    this.#at += 9
    return this.#bytes.readDoubleBE(this.#at - 8)
  }

  /** A version or a position. */
  #count(): number {
    const count = this.#number()
    if (!Number.isSafeInteger(count) || count < 1) this.#fail()
    return count
  }

  /** The session's id, as one string for all of its events. */
  #id(): string {
    const length = this.#head(0x60)
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) this.#fail()
    if (length === this.#idBytes.length && this.#idBytes.compare(this.#bytes, start, this.#at) === 0)
      return this.#sessionId
    return this.#bytes.toString('utf8', start, this.#at)
  }

  #hash(): string {
    if (this.#head(0x40) !== 32 || this.#at + 32 > this.#bytes.length) this.#fail()
    this.#at += 32
    return this.#bytes.toString('hex', this.#at - 32, this.#at)
  }

  /** The argument of a head of that major type (its upper three bits). */
  #head(major: number): number {
    const argument = (this.#bytes[this.#at] ?? 0xff) - major
    const width = WIDTHS[argument]
    if (width === undefined || this.#at + 1 + width > this.#bytes.length) this.#fail()
    const start = this.#at + 1
    this.#at = start + width
    return width === 0 ? argument : this.#bytes.readUIntBE(start, width)
  }

  /** At the event that comes next, or at the one before it: where that has another length, nothing fits behind it. */
  #fail(): never {
    const last = this.events.at(-1)
    const isLast = last !== undefined && (this.#isLastHash || tryDecodeCbor(last.bytes) === undefined)
    const version = this.#firstVersion + this.events.length - (isLast ? 1 : 0)
    throw corrupted(this.#sessionId, version, 'stands in a record that is damaged')
  }
}

/** CBOR's `undefined`. */
const UNDEFINED = 0xf7

/** How many bytes follow the initial byte, by its lower five bits; undefined for what is never written here. */
const WIDTHS: readonly (number | undefined)[] = [...Array(24).fill(0), 1, 2, 4]
