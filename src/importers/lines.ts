import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { SessionlogTypeError } from '../index.ts'

const NEWLINE = 0x0a
/** No line is longer: a file without an end of line would fill the memory. */
export const LINE_BYTES_MAX = 256 * 1024 * 1024
const READ_BYTES = 1 << 18

/** A file that is read from its beginning to its end, unpacked where it is gzip, whatever its name says. */
export class FileBytes {
  readonly size: number
  readonly #file: ReturnType<typeof createReadStream>
  readonly #compressed: boolean

  private constructor(path: string, size: number, compressed: boolean, signal?: AbortSignal) {
    this.size = size
    this.#compressed = compressed
    this.#file = createReadStream(path, { highWaterMark: READ_BYTES, ...(signal && { signal }) })
  }

  static async open(path: string, signal?: AbortSignal): Promise<FileBytes> {
    const handle = await open(path)
    try {
      const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
      return new FileBytes(path, (await handle.stat()).size, buffer.readUInt16BE() === 0x1f8b, signal)
    } finally {
      await handle.close()
    }
  }

  get bytesRead(): number {
    return this.#file.bytesRead
  }

  stream(): Readable {
    if (!this.#compressed) return this.#file
    const plain = this.#file.pipe(createGunzip({ chunkSize: READ_BYTES }))
    this.#file.on('error', error => plain.destroy(error))
    return plain
  }

  async close(): Promise<void> {
    this.#file.destroy()
    if (!this.#file.closed) await once(this.#file, 'close').catch(() => {})
  }
}

/** The bytes between the ends of lines; undefined for a line of over 256 MiB, which is skipped. */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  bytesMax = LINE_BYTES_MAX,
): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = []
  let bytes = 0
  const take = (last: Buffer) => {
    const line = bytes + last.length > bytesMax ? undefined : Buffer.concat([...parts, last])
    parts = []
    bytes = 0
    return line
  }
  for await (const given of stream) {
    const chunk = Buffer.isBuffer(given) ? given : Buffer.from(given)
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const last = chunk.subarray(start, end)
      yield bytes === 0 && last.length <= bytesMax ? last : take(last)
      start = end + 1
    }
    if (start === chunk.length) continue
    bytes += chunk.length - start
    if (bytes > bytesMax) parts = []
    else parts.push(chunk.subarray(start))
  }
  if (bytes > 0) yield take(Buffer.alloc(0))
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const BOM = '\ufeff'

/** Bytes that are not UTF-8 are refused rather than replaced. A mark at the beginning of a file is none of its text. */
export function decode(bytes: Uint8Array, line = 1): string {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    throw new SessionlogTypeError('not UTF-8', '')
  }
  return line === 1 && text.startsWith(BOM) ? text.slice(1) : text
}

export function isBlank(line: Buffer): boolean {
  return line.length < 1024 && /^[ \t\r]*$/.test(line.toString('latin1'))
}

/** Whether reading failed because what was packed by gzip is damaged. */
export function isGzipDamage(error: unknown): boolean {
  return /^Z_/.test((error as NodeJS.ErrnoException).code ?? '')
}
