import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { SessionlogTypeError } from '../index.ts'
import { type ImportLine, parseLine } from './import-line.ts'
import type { Entry, ImportSource } from './import-source.ts'

const NEWLINE = 0x0a
/** No line is longer: a file without an end of line would fill the memory. */
const LINE_BYTES_MAX = 256 * 1024 * 1024
const READ_BYTES = 1 << 18

/** Lines of a file, plain or gzip, whatever its name says. */
export class LineSource implements ImportSource {
  readonly isDirectory = false
  readonly #path: string
  readonly #remove: () => Promise<void>

  constructor(path: string, remove: () => Promise<void> = async () => {}) {
    this.#path = path
    this.#remove = remove
  }

  async *entries(
    onProgress: (done: number, total: number) => void,
    signal: AbortSignal,
  ): AsyncGenerator<Entry> {
    const { compressed, size } = await this.#look()
    const file = createReadStream(this.#path, { highWaterMark: READ_BYTES, signal })
    const plain = compressed ? file.pipe(createGunzip({ chunkSize: READ_BYTES })) : file
    if (compressed) file.on('error', error => plain.destroy(error))
    const schemas = new SchemaOrder()
    let number = 0
    try {
      for await (const line of linesOf(plain)) {
        number++
        if (number % 256 === 0) onProgress(file.bytesRead, size)
        if (isBlank(line)) continue
        const parse = () => schemas.check(parseLine(decode(line, number)))
        yield { place: `line ${number}`, bytes: line.length, parse }
      }
    } catch (error) {
      if (!isDamage(error)) throw error
      const parse = () => {
        throw error instanceof SessionlogTypeError
          ? error
          : wrong(`damaged gzip data: ${(error as Error).message}`)
      }
      yield { place: `after line ${number}`, bytes: 0, parse }
    } finally {
      file.destroy()
      if (!file.closed) await once(file, 'close').catch(() => {})
    }
  }

  close(): Promise<void> {
    return this.#remove()
  }

  async #look(): Promise<{ compressed: boolean; size: number }> {
    const handle = await open(this.#path)
    try {
      const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
      return { compressed: buffer.readUInt16BE() === 0x1f8b, size: (await handle.stat()).size }
    } finally {
      await handle.close()
    }
  }
}

/** A store's schema never goes back, so an export's doesn't either. */
class SchemaOrder {
  #last = 0

  check(line: ImportLine): ImportLine {
    const { schemaVersion = this.#last } = line
    if (schemaVersion < this.#last)
      throw wrong(`schema ${schemaVersion} after schema ${this.#last}: a store's schema does not go back`)
    this.#last = schemaVersion
    return line
  }
}

/** The bytes between the ends of lines. */
async function* linesOf(stream: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const last = chunk.subarray(start, end)
      yield parts.length === 0 ? last : Buffer.concat([...parts, last])
      parts = []
      bytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > LINE_BYTES_MAX) throw wrong('a line of over 256 MiB')
  }
  if (parts.length > 0) yield Buffer.concat(parts)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const BOM = '\ufeff'

/** Bytes that are not UTF-8 are refused rather than replaced. A mark at the beginning of a file is none of its text. */
export function decode(bytes: Uint8Array, line = 1): string {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    throw wrong('not UTF-8')
  }
  return line === 1 && text.startsWith(BOM) ? text.slice(1) : text
}

function isBlank(line: Buffer): boolean {
  return line.length < 1024 && /^[ \t\r]*$/.test(line.toString('latin1'))
}

function isDamage(error: unknown): boolean {
  return error instanceof SessionlogTypeError || /^Z_/.test((error as NodeJS.ErrnoException).code ?? '')
}

function wrong(message: string): SessionlogTypeError {
  return new SessionlogTypeError(message, '')
}
