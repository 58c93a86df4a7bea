import {
  type ForeignRecord,
  type ForeignSession,
  type ForeignSource,
  objectOf,
  type Pace,
  parseJson,
  refused,
} from './foreign-session.ts'
import { decode, FileBytes, isBlank, isGzipDamage, linesOf } from './lines.ts'

/** What makes a session of a row of a dump. `text` is the row as it stood there. */
export type RowReader = (row: Record<string, unknown>, text: string) => ForeignSession

/** A path, `-` not included, or what is read as it comes. */
export type DumpSource = string | AsyncIterable<Uint8Array>

const UNKNOWN: Pace = { done: 0, total: undefined }

/** A dump with a JSON object a line; also one that is an array of them, as long as each has lines of its own. */
export class DumpRows implements ForeignSource {
  readonly #source: DumpSource
  readonly #readRow: RowReader
  readonly #signal: AbortSignal | undefined
  #file: FileBytes | undefined

  constructor(source: DumpSource, readRow: RowReader, signal?: AbortSignal) {
    this.#source = source
    this.#readRow = readRow
    this.#signal = signal
  }

  get pace(): Pace {
    if (this.#file === undefined) return UNKNOWN
    return { done: this.#file.bytesRead, total: this.#file.size }
  }

  async *records(): AsyncGenerator<ForeignRecord> {
    if (typeof this.#source !== 'string') return yield* this.#rows(this.#source)
    this.#file = await FileBytes.open(this.#source, this.#signal)
    try {
      yield* this.#rows(this.#file.stream())
    } finally {
      await this.#file.close()
    }
  }

  async *#rows(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ForeignRecord> {
    let number = 0
    try {
      for await (const line of linesOf(stream)) {
        this.#signal?.throwIfAborted()
        number++
        if (line === undefined) yield refusal(`line ${number}`, 'over 256 MiB')
        else if (!isBlank(line)) {
          const first = number
          const read = () => this.#read(line, first)
          if (!isBracket(line)) yield { place: `line ${number}`, bytes: line.length, read }
        }
      }
    } catch (error) {
      if (!isGzipDamage(error)) throw error
      yield refusal(`after line ${number}`, `damaged gzip data: ${(error as Error).message}`)
    }
  }

  #read(line: Buffer, number: number): ForeignSession {
    const text = rowIn(decode(line, number))
    return this.#readRow(objectOf(parseJson(text), 'the line'), text)
  }
}

/** A row of an array stands between `[`, `,` and `]`. */
function rowIn(line: string): string {
  const text = line.trim()
  const start = text.startsWith('[{') ? 1 : 0
  return text.slice(start, /\}(,|\])$/.test(text) ? -1 : undefined)
}

function isBracket(line: Buffer): boolean {
  return line.length < 8 && /^[[\],\s]*$/.test(line.toString('latin1'))
}

function refusal(place: string, message: string): ForeignRecord {
  const read = () => {
    throw refused(message)
  }
  return { place, bytes: 0, read }
}
