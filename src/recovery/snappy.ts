import { ByteCursor } from './byte-cursor.ts'

/** What Snappy has packed, and how many of the bytes that took. Throws a `RangeError` where they are nothing of Snappy's. */
export function unpack(packed: Buffer): { readonly bytes: Buffer; readonly taken: number } {
  const cursor = new ByteCursor(packed)
  const length = cursor.varint()
  // It packs nothing to less than a fiftieth.
  if (length > packed.length * 64) throw new RangeError('A length that cannot be')
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; ) {
    const tag = cursor.byte()
    if ((tag & 3) === 0) {
      const size = literalSize(tag >> 2, cursor)
      if (size > length - at) throw new RangeError('More than was announced')
      at += cursor.take(size).copy(bytes, at)
    } else {
      const [size, back] = copyOf(tag, cursor)
      if (back === 0 || back > at || size > length - at) throw new RangeError('A copy of what is not there')
      // Byte by byte, because it may repeat what it has just written.
      for (const end = at + size; at < end; at++) bytes[at] = bytes[at - back]!
    }
  }
  return { bytes, taken: cursor.at }
}

function literalSize(size: number, cursor: ByteCursor): number {
  return size < 60 ? size + 1 : cursor.take(size - 59).readUIntLE(0, size - 59) + 1
}

/** The size of a copy, and how far back it begins. */
function copyOf(tag: number, cursor: ByteCursor): [size: number, back: number] {
  const size = tag >> 2
  if ((tag & 3) === 1) return [(size & 7) + 4, ((tag >> 5) << 8) | cursor.byte()]
  const width = (tag & 3) === 2 ? 2 : 4
  return [size + 1, cursor.take(width).readUIntLE(0, width)]
}
