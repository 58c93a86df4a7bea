import { encodeCbor, tryDecodeCbor } from '../state/cbor-values.ts'
import type { Forwarded } from './port.ts'

const NOTHING = Buffer.alloc(0)
const NONE: readonly Forwarded[] = []
const PRODUCER_BYTES = 16

/** `[[producer, sequence, position, count], …]`; empty in the commits of a store that no other process writes to. */
export function encodeForwarded(forwarded: readonly Forwarded[]): Uint8Array {
  if (forwarded.length === 0) return NOTHING
  const entries = forwarded.map(each => {
    const { producer, sequence, position, count } = each
    return [Buffer.from(producer, 'hex'), sequence, position, count]
  })
  return encodeCbor(entries)
}

/** Undefined where the bytes are anything else. */
export function decodeForwarded(bytes: Uint8Array): readonly Forwarded[] | undefined {
  if (bytes.length === 0) return NONE
  const entries = tryDecodeCbor(bytes)
  if (!Array.isArray(entries) || !entries.every(isEntry)) return undefined
  return entries.map(([producer, sequence, position, count]) => {
    return { producer: Buffer.from(producer).toString('hex'), sequence, position, count }
  })
}

/** Whether these events are among those of a commit. */
export function isWithin({ position, count }: Forwarded, first: number, last: number): boolean {
  return position >= first && position + count - 1 <= last
}

function isEntry(entry: unknown): entry is [Uint8Array, number, number, number] {
  if (!Array.isArray(entry) || entry.length !== 4) return false
  const [producer, ...counts] = entry
  const isProducer = producer instanceof Uint8Array && producer.length === PRODUCER_BYTES
  return isProducer && counts.every(count => Number.isSafeInteger(count) && count > 0)
}
