import { encodeCbor } from '../state/cbor-values.ts'

const LENGTH_BYTES = 4

/** A CBOR item in a file of such: its length as a 32-bit integer, big-endian, then its bytes. */
export function encodeFrame(item: unknown): Buffer {
  return frameOf(encodeCbor(item))
}

/** The frame of an item that is encoded already. */
export function frameOf(body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.set(body, LENGTH_BYTES)
  return bytes
}

/** The item in a frame, encoded; nothing where the frame is not as long as it says. */
export function bodyOf(frame: Buffer): Buffer {
  const isWhole = frame.length >= LENGTH_BYTES && frame.readUInt32BE() === frame.length - LENGTH_BYTES
  return isWhole ? frame.subarray(LENGTH_BYTES) : frame.subarray(0, 0)
}

/** The items' bytes, however the stream was cut. The answer is how many bytes are left over at the end. */
export async function* readFrames(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, number, undefined> {
  let pieces: Uint8Array[] = []
  let bytes = 0
  let wanted = LENGTH_BYTES
  for await (const piece of stream) {
    pieces.push(piece)
    bytes += piece.length
    // A long item is put together once, not again with each piece.
    if (bytes < wanted) continue
    const all = Buffer.concat(pieces)
    let at = 0
    for (wanted = LENGTH_BYTES; all.length - at >= wanted; wanted = LENGTH_BYTES) {
      wanted += all.readUInt32BE(at)
      if (all.length - at < wanted) break
      yield all.subarray(at + LENGTH_BYTES, at + wanted)
      at += wanted
    }
    pieces = [all.subarray(at)]
    bytes = all.length - at
  }
  return bytes
}
