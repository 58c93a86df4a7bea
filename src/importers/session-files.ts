import { opendir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'
import {
  type Aside,
  type ForeignRecord,
  type ForeignSession,
  type ForeignSource,
  objectOf,
  parseJson,
  refused,
  sessionOf,
  timeOf,
} from './foreign-session.ts'
import { decode } from './lines.ts'

export interface SessionFilesOptions {
  /** As `fileExtension` was; may be empty. Default: `.json`. */
  readonly extension?: string | undefined
  /** Seconds that a session without `originalMaxAge` lives, as `ttl` was. Default: 3600. */
  readonly ttl?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What write-file-atomic puts behind the name of a file that it has not finished. */
const UNFINISHED = /\.\d{5,}$/

/**
 * A directory of session-file-store: one `<sid>.json` a session, which is its JSON with the time of its last access in
 * `__lastAccess`. It ends that long after it as its cookie's `originalMaxAge` says, else the store's `ttl`
 * (session-file-store 1.5.0, lib/session-file-helpers.js).
 */
export class SessionFiles implements ForeignSource {
  readonly #dir: string
  readonly #extension: string
  readonly #ttl: number
  readonly #signal: AbortSignal | undefined
  #done = 0

  constructor(dir: string, { extension = '.json', ttl = 3600, signal }: SessionFilesOptions) {
    this.#dir = dir
    this.#extension = extension
    this.#ttl = ttl
    this.#signal = signal
  }

  get pace() {
    return { done: this.#done, total: undefined }
  }

  async *records(): AsyncGenerator<ForeignRecord> {
    for await (const file of await opendir(this.#dir, { bufferSize: 256 })) {
      this.#signal?.throwIfAborted()
      this.#done++
      const { name } = file
      const aside = file.isFile() ? this.#aside(name) : 'not a file'
      yield aside === undefined
        ? await this.#record(name)
        : { place: name, bytes: 0, read: () => ({ aside }) }
    }
  }

  #aside(name: string): string | undefined {
    if (UNFINISHED.test(name)) return 'a temporary file of a write that did not end'
    if (!name.endsWith(this.#extension)) return `no ${this.#extension} file`
    return name.startsWith('._') ? 'what macOS leaves beside a file' : undefined
  }

  async #record(name: string): Promise<ForeignRecord> {
    try {
      const bytes = await readFile(join(this.#dir, name), { signal: this.#signal })
      return { place: name, bytes: bytes.length, read: () => this.#session(name, bytes) }
    } catch (error) {
      this.#signal?.throwIfAborted()
      const read = (): Aside => {
        // An app that still runs has ended the session.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { aside: 'gone while it was read' }
        throw hasCode(error) ? error : refused(`cannot be read: ${(error as Error).message}`)
      }
      return { place: name, bytes: 0, read }
    }
  }

  #session(name: string, bytes: Buffer): ForeignSession {
    const sid = name.slice(0, name.length - this.#extension.length)
    const { __lastAccess, ...session } = sessionOf(parseJson(decode(bytes)), 'the file')
    if (typeof __lastAccess !== 'number')
      throw refused('the file has no __lastAccess, so session-file-store did not write it', '/__lastAccess')
    const occurredAt = timeOf(__lastAccess, '__lastAccess')
    const { originalMaxAge } = objectOf(session.cookie, 'the cookie')
    const ms = originalMaxAge ? timeOf(originalMaxAge, 'cookie/originalMaxAge') : this.#ttl * 1000
    return { sid, session, occurredAt, expiresAt: occurredAt + ms }
  }
}
