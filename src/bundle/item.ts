import { SessionlogError } from '../errors.ts'
import { scanCbor } from '../state/cbor-scan.ts'
import { decodeCbor, encodeCbor } from '../state/cbor-values.ts'

/**
 * A bundle is a gzip file of a CBOR sequence (RFC 8742). Each item is embedded CBOR (tag 24) in a byte string whose
 * length is always four bytes, so that a reader finds the items without knowing what is in them. Inside is an array
 * that begins with the item's kind; docs/format.md lists them.
 */
export const ITEM = {
  /** `[0, header]`: where the bundle is from. The first item. */
  HEADER: 0,
  /** `[1, sessionId, first, last, head]`: a session's events follow, up to the next item that is none of them. */
  SESSION: 1,
  /** `[2, firstVersion, record]`: events as they are in the log. */
  RECORD: 2,
  /** `[3, version, record, hash]`: one event without what was to be hidden, and the hash that the log has of it. */
  REDACTED: 3,
  /** `[4, [* hash]]`: that the last event of the item before is in the tree, siblings lowest first. */
  PROOF: 4,
  /** `[5, sessions, events, seal]`: nothing follows. */
  END: 5,
} as const

/** How many members each has. */
const LENGTHS: Readonly<Record<ItemKind, number>> = { 0: 2, 1: 5, 2: 3, 3: 4, 4: 2, 5: 4 }

export type ItemKind = (typeof ITEM)[keyof typeof ITEM]
export type Item = readonly [kind: ItemKind, ...fields: unknown[]]

/** What each item begins with: tag 24, and a byte string with a length of four bytes. */
export const ITEM_HEAD = Buffer.of(0xd8, 0x18, 0x5a)
const HEAD_BYTES = ITEM_HEAD.length + 4

export function encodeItem(item: Item): Buffer {
  const inside = encodeCbor(item)
  const head = Buffer.alloc(HEAD_BYTES)
  ITEM_HEAD.copy(head)
  head.writeUInt32BE(inside.length, ITEM_HEAD.length)
  return Buffer.concat([head, inside])
}

/** The items of a sequence, as bytes. `SESSIONLOG_CORRUPTION` where it is not one, or ends within an item. */
export async function* splitItems(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer[] = []
  let length = 0
  let wanted = HEAD_BYTES
  for await (const chunk of chunks) {
    rest.push(chunk)
    length += chunk.length
    if (length < wanted) continue
    let bytes = Buffer.concat(rest)
    for (;;) {
      wanted = HEAD_BYTES + insideBytes(bytes)
      if (bytes.length < wanted || wanted === HEAD_BYTES) break
      yield bytes.subarray(0, wanted)
      bytes = bytes.subarray(wanted)
    }
    rest = [bytes]
    length = bytes.length
  }
  if (length > 0) throw damaged('ends within an item')
}

/** How long the item at the beginning is inside; 0 where its head is not there yet. */
function insideBytes(bytes: Buffer): number {
  if (bytes.length < HEAD_BYTES) return 0
  if (!bytes.subarray(0, ITEM_HEAD.length).equals(ITEM_HEAD)) throw damaged('has something that is no item')
  const inside = bytes.readUInt32BE(ITEM_HEAD.length)
  if (inside === 0) throw damaged('has an empty item')
  return inside
}

export function decodeItem(bytes: Buffer): Item {
  const inside = bytes.subarray(HEAD_BYTES)
  scanCbor(inside)
  const item = decodeCbor(inside)
  if (!Array.isArray(item) || item.length !== LENGTHS[item[0] as ItemKind])
    throw damaged('has an item of no known kind')
  return item as unknown as Item
}

export function damaged(what: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `The bundle ${what}`)
}
