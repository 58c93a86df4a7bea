import { SessionlogError } from '../errors.ts'
import { decodeValue } from './cbor-values.ts'
import type { Plain } from './values.ts'

/**
 * Reads values of `cbor-values.ts` where they lie, one after another. What states are mostly made of is read here, in
 * a quarter of the time; anything else goes through the decoder. Objects and arrays are not frozen: whoever keeps
 * them to himself can change them in place, anybody else freezes them.
 */
export class CborReader {
  #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#at = at
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** How many items the array has that begins here. */
  array(): number {
    const first = this.#byte()
    return first >> 5 === ARRAY ? this.#argument(first & 31) : fail()
  }

  value(): unknown {
    const start = this.#at
    const first = this.#byte()
    switch (first >> 5) {
      case UNSIGNED:
        if ((first & 31) < 27) return this.#argument(first & 31)
        break
      case NEGATIVE:
        if ((first & 31) < 27) return -1 - this.#argument(first & 31)
        break
      case TEXT:
        return this.#text(this.#argument(first & 31))
      case ARRAY:
        return this.#list(this.#argument(first & 31))
      case MAP:
        return this.#map(this.#argument(first & 31))
      case OTHER:
        if (first === 0xfb) return this.#bytes.readDoubleBE(this.#move(8))
        if (first >= 0xf4 && first <= 0xf7) return SIMPLE[first - 0xf4]
    }
    this.#at = start
    this.skip()
    return decodeValue(this.#bytes.subarray(start, this.#at))
  }

  /** A text that comes again and again, such as a key: kept for the next time, unless it is long. */
  name(): string {
    const start = this.#at
    const first = this.#byte()
    if (first >> 5 !== TEXT) {
      this.#at = start
      return this.value() as string
    }
    const length = this.#argument(first & 31)
    if (length > NAME_BYTES_MAX) return this.#text(length)
    const from = this.#move(length)
    let hash = length
    for (let at = from; at < this.#at; at++) hash = (Math.imul(hash, 31) + this.#bytes[at]!) | 0
    const slot = (hash ^ (hash >>> 15)) & (NAMES_MAX - 1)
    const name = names[slot]
    if (name !== undefined && this.#has(name.bytes, from, length)) return name.text
    const bytes = Buffer.from(this.#bytes.subarray(from, this.#at))
    const text = bytes.toString()
    names[slot] = { bytes, text }
    return text
  }

  /** Moves on behind an item. */
  skip(): void {
    const first = this.#byte()
    const major = first >> 5
    if (major === OTHER) this.#move(WIDTHS[first & 31] ?? fail())
    else {
      const argument = this.#argument(first & 31)
      if (major === BYTES || major === TEXT) this.#move(argument)
      const items = major === MAP ? 2 * argument : major === ARRAY ? argument : major === TAG ? 1 : 0
      for (let item = 0; item < items; item++) this.skip()
    }
  }

  #list(length: number): unknown[] {
    const list: unknown[] = []
    for (let index = 0; index < length; index++) list.push(this.value())
    return list
  }

  /** The key `__proto__` does not stand in a map: a tag holds it. */
  #map(size: number): Plain {
    const object: Plain = {}
    for (let index = 0; index < size; index++) {
      const key = this.name()
      if (key === '__proto__' || typeof key !== 'string') fail()
      object[key] = this.value()
    }
    return object
  }

  #text(length: number): string {
    const start = this.#move(length)
    if (length > SHORT) return this.#bytes.toString('utf8', start, this.#at)
    for (let at = start; at < this.#at; at++)
      if (this.#bytes[at]! > 0x7f) return this.#bytes.toString('utf8', start, this.#at)
    return this.#bytes.toString('latin1', start, this.#at)
  }

  #has(bytes: Buffer, from: number, length: number): boolean {
    if (bytes.length !== length) return false
    for (let at = 0; at < length; at++) if (bytes[at] !== this.#bytes[from + at]) return false
    return true
  }

  #argument(short: number): number {
    if (short < 24) return short
    const width = WIDTHS[short] ?? fail()
    const start = this.#move(width)
    return width < 8 ? this.#bytes.readUIntBE(start, width) : Number(this.#bytes.readBigUInt64BE(start))
  }

  #byte(): number {
    return this.#bytes[this.#move(1)]!
  }

  /** Takes so many bytes, and answers with where they begin. */
  #move(length: number): number {
    const start = this.#at
    this.#at += length
    return this.#at <= this.#bytes.length ? start : fail()
  }
}

const [UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, OTHER] = [0, 1, 2, 3, 4, 5, 6, 7]
const SIMPLE = [false, true, null, undefined]
/** How many bytes follow the initial byte, by its lower five bits; undefined for what is never written. */
const WIDTHS: readonly (number | undefined)[] = [...Array(24).fill(0), 1, 2, 4, 8]

/** A text up to this long is looked through for what is not ASCII: that is quicker than to decode it. */
const SHORT = 48

const NAME_BYTES_MAX = 64
const NAMES_MAX = 4096
const names: ({ readonly bytes: Buffer; readonly text: string } | undefined)[] = Array(NAMES_MAX)

function fail(): never {
  throw new SessionlogError('SESSIONLOG_CORRUPTION', 'Bytes are not CBOR as it is written here')
}
