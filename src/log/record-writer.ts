import { encodeValue } from '../state/cbor-values.ts'
import type { Plain } from '../state/values.ts'
import { sha256 } from './chain.ts'

/**
 * Writes records in one growing buffer, each in one piece: the frames of `record.ts`, and in them events as
 * CBOR. What an event is mostly made of (integers, short texts, hashes) is written straight into the buffer,
 * which takes a third of the time of making an array for the encoder and copying what it answers with.
 */
export class RecordWriter {
  #buffer: Buffer
  /** Where the record began, where the event in hand did, and where writing goes on. */
  #record = 0
  #event = 0
  #at = 0

  constructor(bytes = BYTES_MIN) {
    this.#buffer = Buffer.allocUnsafe(bytes)
  }

  /** Begins anew, over what was written before: its bytes must not be needed any more. */
  reset(): void {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafeSlow(BYTES_MIN)
    this.#record = this.#event = this.#at = 0
  }

  beginRecord(): void {
    this.#record = this.#at
  }

  /** Closes the record with the hash of its last event, and answers with its bytes. */
  endRecord(hash: string): Uint8Array {
    this.hash(hash)
    return this.#buffer.subarray(this.#record, this.#at)
  }

  /** Leaves room for the event's length, and begins it: a CBOR array of `fields` members. */
  beginEvent(fields: number): void {
    this.#reserve(LENGTH_BYTES + 2)
    this.#at += LENGTH_BYTES
    this.#buffer[this.#at++] = 0
    this.#event = this.#at
    this.head(ARRAY, fields)
  }

  /** How many bytes the event in hand has so far. */
  get eventBytes(): number {
    return this.#at - this.#event
  }

  /** Throws the event in hand away. */
  dropEvent(): void {
    this.#at = this.#event - LENGTH_BYTES - 1
  }

  /** Takes what was written since the event had so many bytes back. */
  cutEvent(bytes: number): void {
    this.#at = this.#event + bytes
  }

  /** Changes the event's number of members, and its first one. REQUIRES: both are under 24. */
  changeEvent(fields: number, first: number): void {
    this.#buffer[this.#event] = ARRAY + fields
    this.#buffer[this.#event + 1] = first
  }

  /** Writes the event's length before it, and answers with its hash: SHA-256(0x00 ‖ event). */
  endEvent(): string {
    const length = this.eventBytes
    const start = this.#event - LENGTH_BYTES - 1
    this.#buffer[start] = 0x1a
    this.#buffer.writeUInt32BE(length, start + 1)
    return sha256(this.#buffer.subarray(this.#event - 1, this.#at))
  }

  /** The bytes of the event in hand, which has no hash yet; they stay until `reset`. */
  takeEvent(): Uint8Array {
    return this.#buffer.subarray(this.#event, this.#at)
  }

  /** A whole event that is there already. */
  event(bytes: Uint8Array): void {
    this.#reserve(LENGTH_BYTES + 1)
    this.#buffer[this.#at] = 0x1a
    this.#at = this.#buffer.writeUInt32BE(bytes.length, this.#at + 1)
    this.#buffer[this.#at++] = 0
    this.raw(bytes)
  }

  /** A head of a major type: an integer of its own, or the length of what follows. */
  head(major: number, argument: number): void {
    this.#reserve(9)
    if (argument < 24) this.#buffer[this.#at++] = major + argument
    else if (argument < 0x100) {
      this.#buffer[this.#at++] = major + 24
      this.#buffer[this.#at++] = argument
    } else if (argument < 0x10000) {
      this.#buffer[this.#at++] = major + 25
      this.#buffer[this.#at++] = argument >>> 8
      this.#buffer[this.#at++] = argument
    } else {
      this.#buffer[this.#at++] = major + 26
      this.#at = this.#buffer.writeUInt32BE(argument, this.#at)
    }
  }

  /** Whatever a state may hold; what JSON has no form for goes through the encoder. */
  value(value: unknown): void {
    if (typeof value === 'string' && value.isWellFormed()) this.text(value)
    else if (typeof value === 'number' && !Object.is(value, -0)) this.number(value)
    else if (typeof value === 'boolean') this.#byte(value ? 0xf5 : 0xf4)
    else if (value === undefined) this.#byte(0xf7)
    else if (value === null) this.#byte(0xf6)
    else if (Array.isArray(value)) this.#list(value)
    else if (isMap(value)) this.#map(value)
    else this.raw(encodeValue(value))
  }

  number(value: number): void {
    if (value >= 0 && value <= 0xffffffff && Number.isInteger(value)) this.head(UNSIGNED, value)
    else if (value < 0 && value >= -0x100000000 && Number.isInteger(value)) this.head(NEGATIVE, -1 - value)
    else {
      this.#reserve(9)
      this.#buffer[this.#at] = 0xfb
      this.#at = this.#buffer.writeDoubleBE(value, this.#at + 1)
    }
  }

  /** REQUIRES: well-formed Unicode. */
  text(text: string): void {
    if (text.length < SHORT && this.#ascii(text)) return
    const length = Buffer.byteLength(text)
    this.head(TEXT, length)
    this.#reserve(length)
    this.#at += this.#buffer.write(text, this.#at)
  }

  hash(hash: string): void {
    this.#reserve(HASH_BYTES)
    this.#buffer[this.#at] = BYTES + 24
    this.#buffer[this.#at + 1] = 32
    this.#buffer.write(hash, this.#at + 2, 32, 'hex')
    this.#at += HASH_BYTES
  }

  /** Bytes that are CBOR already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#at++] = byte
  }

  #list(list: readonly unknown[]): void {
    this.head(ARRAY, list.length)
    for (const member of list) this.value(member)
  }

  #map(object: Plain): void {
    const keys = Object.keys(object)
    this.head(MAP, keys.length)
    for (const key of keys) {
      this.text(key)
      this.value(object[key])
    }
  }

  /** Writes a short text if it is ASCII: a call into the runtime would take longer. */
  #ascii(text: string): boolean {
    const { length } = text
    // Reserved first: where the buffer grows, what was written in it moves.
    this.#reserve(9 + length)
    const before = this.#at
    this.head(TEXT, length)
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) {
        this.#at = before
        return false
      }
      this.#buffer[this.#at++] = code
    }
    return true
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const begun = this.#at - this.#record
    const grown = Buffer.allocUnsafe(2 * Math.max(this.#buffer.length, begun + bytes))
    this.#buffer.copy(grown, 0, this.#record, this.#at)
    this.#buffer = grown
    this.#event -= this.#record
    this.#record = 0
    this.#at = begun
  }
}

const UNSIGNED = 0x00
const NEGATIVE = 0x20
const BYTES = 0x40
const TEXT = 0x60
export const ARRAY = 0x80
const MAP = 0xa0

const BYTES_MIN = 64 * 1024
/** After a commit of more than that its memory is given back. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024
/** A text up to this long is written character by character. */
const SHORT = 64
/** An event's length is always a 32-bit integer, because it is written last. */
const LENGTH_BYTES = 5
/** What an event takes in a record beside its own bytes. */
export const FRAME_BYTES = LENGTH_BYTES + 1
/** A hash with its head. */
export const HASH_BYTES = 34

/** True for an object that a CBOR map with text keys holds, and is read back from safely. */
function isMap(value: unknown): value is Plain {
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) if (key === '__proto__' || !key.isWellFormed()) return false
  return true
}
