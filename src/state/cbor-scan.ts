import { SessionlogError } from '../errors.ts'

/** Tags that `cbor-values.ts` writes, those of Date, Set and Map, and what the encoder has -(2^64) in. */
const TAGS = new Set([1, 3, 24, 258, 259, 41_001, 41_002, 41_003, 41_004, 41_005, 41_006])
const EMBEDDED = 24
const NEGATIVE_BIGNUM = 3
/** A longer one takes the decoder time that grows as its square. */
const BIGNUM_BYTES_MAX = 8

/** How deep CBOR may be embedded in CBOR: each time for two hundred levels of a state. */
const EMBEDDED_MAX = 16

/**
 * Refuses CBOR (RFC 8949) that is none of ours before the decoder looks at it. The decoder knows many more tags, some
 * of which take it very long, or change what it does with what comes later.
 */
export function scanCbor(bytes: Uint8Array, depth = 0): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  /** The tag of what comes next. */
  let tag: number | undefined
  const take = (length: number) => {
    at += length
    if (at > bytes.length) throw refused()
    return at - length
  }
  for (let wanted = 1; wanted > 0; wanted--) {
    const head = bytes[take(1)]!
    const [major, info] = [head >> 5, head & 31]
    const isBytesTagged = tag === EMBEDDED || tag === NEGATIVE_BIGNUM
    if (isBytesTagged && major !== BYTES) throw refused()
    if (major === SIMPLE) {
      take(WIDTHS[info] ?? refuse())
      tag = undefined
      continue
    }
    const argument = argumentAt(view, take, info)
    if (major === TEXT || major === BYTES) {
      const start = take(argument)
      if (tag === NEGATIVE_BIGNUM && argument > BIGNUM_BYTES_MAX) throw refused()
      if (tag === EMBEDDED) scanCbor(bytes.subarray(start, at), depth + 1)
    } else if (major === ARRAY || major === MAP) wanted += major === MAP ? 2 * argument : argument
    else if (major === TAG) {
      if (!TAGS.has(argument) || depth >= EMBEDDED_MAX) throw refused()
      wanted++
    }
    tag = major === TAG ? argument : undefined
    // Each of them has a byte at least.
    if (wanted > bytes.length - at + 1) throw refused()
  }
  if (at < bytes.length) throw refused()
}

const BYTES = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6
const SIMPLE = 7

/** How many bytes follow the initial byte, by its lower five bits; undefined for what is never written here. */
const WIDTHS: readonly (number | undefined)[] = [...Array(24).fill(0), 1, 2, 4, 8]

function argumentAt(view: DataView, take: (length: number) => number, info: number): number {
  const width = WIDTHS[info] ?? refuse()
  const at = take(width)
  if (width === 0) return info
  if (width === 1) return view.getUint8(at)
  if (width === 2) return view.getUint16(at)
  return width === 4 ? view.getUint32(at) : Number(view.getBigUint64(at))
}

function refuse(): never {
  throw refused()
}

function refused(): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', 'Bytes are not CBOR of a kind that is written here')
}
