import { ByteCursor } from './byte-cursor.ts'
import { crc32c, masked } from './crc32c.ts'
import { attempt, CHECKSUM_BYTES, type LevelEntry, type OnDamage, VALUE } from './level-entry.ts'
import { unpack } from './snappy.ts'

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** How a block is packed, and its checksum. */
const TRAILER_BYTES = 1 + CHECKSUM_BYTES
/** Behind each key of LevelDB's: a number that grows with each write, and the kind of the entry. */
const SEQUENCE_BYTES = 8

/**
 * The entries of one of LevelDB's tables, as far as they can be read; LevelDB itself ends the process at some damages. Of a
 * block that is not as its checksum says, what has the form of an entry is given all the same: what the log keeps has a hash
 * of its own. A table without its index is read block by block from the beginning.
 */
export function* readTable(bytes: Buffer, onDamage: OnDamage): Generator<LevelEntry, void, undefined> {
  const blocks = indexOf(bytes)
  if (blocks === undefined) {
    onDamage(Math.max(0, bytes.length - FOOTER_BYTES), 'it has no index')
    for (const { start, end } of scan(bytes)) yield* entriesIn(bytes, start, end, onDamage)
  } else for (const { start, end } of blocks) yield* entriesIn(bytes, start, end, onDamage)
}

/** Whether every block of a table is as its checksum says. */
export function checkTable(bytes: Buffer, onDamage: OnDamage): void {
  const blocks = indexOf(bytes)
  if (blocks === undefined) onDamage(Math.max(0, bytes.length - FOOTER_BYTES), 'it has no index')
  for (const { start, end } of blocks ?? [])
    if (!isSound(bytes, start, end)) onDamage(start, 'a block is not as its checksum says')
}

/** Where a block begins, and where its trailer does. */
interface Block {
  readonly start: number
  readonly end: number
}

function indexOf(bytes: Buffer): Block[] | undefined {
  const footer = bytes.length - FOOTER_BYTES
  if (footer < 0 || bytes.compare(MAGIC, 0, MAGIC.length, bytes.length - MAGIC.length) !== 0) return undefined
  return attempt(() => {
    const cursor = new ByteCursor(bytes, footer)
    handleIn(cursor)
    const { start, end } = handleIn(cursor)
    if (!isSound(bytes, start, end)) return undefined
    return [...pairsIn(contentOf(bytes, start, end))].map(({ value }) => handleIn(new ByteCursor(value)))
  })
}

function handleIn(cursor: ByteCursor): Block {
  const start = cursor.varint()
  return { start, end: start + cursor.varint() }
}

function* entriesIn(
  bytes: Buffer,
  start: number,
  end: number,
  onDamage: OnDamage,
): Generator<LevelEntry, void, undefined> {
  if (!isSound(bytes, start, end)) onDamage(start, 'a block is not as its checksum says')
  const content = attempt(() => contentOf(bytes, start, end))
  if (content === undefined) return
  for (const { key, value } of pairsIn(content)) {
    const end = key.length - SEQUENCE_BYTES
    if (end < 0) continue
    const sequence = key.readUIntLE(end + 1, 6) + key[end + 7]! * 2 ** 48
    yield { key: key.subarray(0, end), value: key[end] === VALUE ? value : undefined, sequence }
  }
}

function isSound(bytes: Buffer, start: number, end: number): boolean {
  if (end + TRAILER_BYTES > bytes.length) return false
  return masked(crc32c(bytes, start, end + 1)) === bytes.readUInt32LE(end + 1)
}

function contentOf(bytes: Buffer, start: number, end: number): Buffer {
  if (end >= bytes.length) throw new RangeError('A block lies beyond the end')
  const packed = bytes.subarray(start, end)
  return bytes[end] === 0 ? packed : unpack(packed).bytes
}

/** Keys and values of a block, each key without what it shares with the one before, up to where the form is broken. */
function* pairsIn(block: Buffer): Generator<{ key: Buffer; value: Buffer }, void, undefined> {
  const restarts = block.length < 4 ? 0 : block.readUInt32LE(block.length - 4)
  const end = block.length - 4 * (restarts + 1)
  const cursor = new ByteCursor(block, 0, Math.max(end, 0))
  let key: Buffer = Buffer.alloc(0)
  while (!cursor.atEnd) {
    const before = key
    const pair = attempt(() => {
      const [shared, rest, size] = [cursor.varint(), cursor.varint(), cursor.varint()]
      if (shared > before.length) throw new RangeError('A key shares more than there is')
      return { key: Buffer.concat([before.subarray(0, shared), cursor.take(rest)]), value: cursor.take(size) }
    })
    if (pair === undefined) return
    key = pair.key
    yield pair
  }
}

/** The blocks from the beginning of a table on, each found by its checksum. */
function* scan(bytes: Buffer): Generator<Block, void, undefined> {
  for (let start = 0; start < bytes.length; ) {
    const end = endOf(bytes, start)
    if (end === undefined) return
    yield { start, end }
    start = end + TRAILER_BYTES
  }
}

function endOf(bytes: Buffer, start: number): number | undefined {
  const packed = attempt(() => unpack(bytes.subarray(start)))
  if (packed !== undefined && isSound(bytes, start, start + packed.taken)) return start + packed.taken
  for (let end = start, crc = 0; end + TRAILER_BYTES <= bytes.length; end++) {
    const next = crc32c(bytes, end, end + 1, crc)
    if (bytes[end] === 0 && masked(next) === bytes.readUInt32LE(end + 1)) return end
    crc = next
  }
  return undefined
}
