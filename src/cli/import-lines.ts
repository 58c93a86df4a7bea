import { decode, FileBytes, isBlank, isGzipDamage, linesOf } from '../importers/lines.ts'
import { SessionlogTypeError } from '../index.ts'
import { type ImportLine, parseLine } from './import-line.ts'
import type { Entry, ImportSource } from './import-source.ts'

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
    const file = await FileBytes.open(this.#path, signal)
    const schemas = new SchemaOrder()
    let number = 0
    try {
      for await (const line of linesOf(file.stream())) {
        if (line === undefined) throw wrong('a line of over 256 MiB')
        number++
        if (number % 256 === 0) onProgress(file.bytesRead, file.size)
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
      await file.close()
    }
  }

  close(): Promise<void> {
    return this.#remove()
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

function isDamage(error: unknown): boolean {
  return error instanceof SessionlogTypeError || isGzipDamage(error)
}

function wrong(message: string): SessionlogTypeError {
  return new SessionlogTypeError(message, '')
}
