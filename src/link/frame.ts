import { SessionlogError } from '../errors.ts'
import { encodeCbor, tryDecodeCbor } from '../state/cbor-values.ts'

/** What two ends of a link say to each other: `[kind, …]`. docs/protocol.md has the list. */
export type Message = readonly [kind: number, ...rest: unknown[]]

/** The longest frame, in bytes, its length left out: it bounds what a state of a follower's may be. */
export const FRAME_BYTES_MAX = 128 * 1024 * 1024

/** The longest before both have proved who they are. */
export const GREETING_BYTES_MAX = 1024

const LENGTH_BYTES = 4
/** Of a CBOR array, its number of items as a 32-bit integer. */
const ARRAY_HEAD_BYTES = 5
const FRAME_HEAD_BYTES = LENGTH_BYTES + ARRAY_HEAD_BYTES

/** A message as it lies in a frame. Throws where it is too long for one. */
export function encodeMessage(message: Message): Buffer {
  const bytes = encodeCbor(message)
  if (bytes.length > FRAME_BYTES_MAX - FRAME_HEAD_BYTES) throw tooLong(bytes.length, FRAME_BYTES_MAX)
  return bytes
}

/** Messages in one frame: its length in bytes as a 32-bit integer, big-endian, then a CBOR array of them. */
export function frameOf(messages: readonly Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES)
  const bytes = messages.reduce((sum, each) => sum + each.length, 0)
  head.writeUInt32BE(bytes + ARRAY_HEAD_BYTES)
  head[LENGTH_BYTES] = 0x9a
  head.writeUInt32BE(messages.length, LENGTH_BYTES + 1)
  return Buffer.concat([head, ...messages], FRAME_HEAD_BYTES + bytes)
}

/** Puts frames together again from the pieces in which they arrive. */
export class FrameReader {
  /** The longest frame that is taken. */
  bytesMax = GREETING_BYTES_MAX
  #pieces: Buffer[] = []
  #bytes = 0

  /** The messages of every frame that is complete by now. Throws at whatever isn't a frame: nothing may follow. */
  read(piece: Buffer): Message[] {
    const messages: Message[] = []
    this.#pieces.push(piece)
    this.#bytes += piece.length
    for (;;) {
      if (this.#bytes < LENGTH_BYTES) return messages
      if (this.#pieces[0]!.length < LENGTH_BYTES) this.#join()
      const length = this.#pieces[0]!.readUInt32BE()
      if (length > this.bytesMax) throw tooLong(length, this.bytesMax)
      const end = LENGTH_BYTES + length
      if (this.#bytes < end) return messages
      this.#join()
      const all = this.#pieces[0]!
      this.#pieces = all.length > end ? [all.subarray(end)] : []
      this.#bytes -= end
      for (const message of messagesOf(all.subarray(LENGTH_BYTES, end))) messages.push(message)
    }
  }

  #join(): void {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)]
  }
}

function messagesOf(body: Buffer): readonly Message[] {
  const messages = tryDecodeCbor(body)
  if (Array.isArray(messages) && messages.every(isMessage)) return messages
  throw new SessionlogError('SESSIONLOG_CORRUPTION', 'A frame holds no messages')
}

function isMessage(message: unknown): message is Message {
  return Array.isArray(message) && typeof message[0] === 'number'
}

function tooLong(bytes: number, bytesMax: number): SessionlogError {
  const message = `A frame of ${bytes} bytes is longer than the ${bytesMax} that go over a link`
  return new SessionlogError('SESSIONLOG_INVALID_STATE', message)
}
