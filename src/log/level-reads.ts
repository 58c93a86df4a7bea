import type { AbstractIterator, AbstractLevel, AbstractSnapshot } from 'abstract-level'
import { type KeyRange, orderedNumber, RANGE, rangeOf, upperBound } from './keys.ts'
import {
  decodeCommit,
  decodeExpiry,
  decodeFrontier,
  decodeSegment,
  decodeStoredBase,
  decodeTail,
  FRONTIER_KEY,
} from './level-entries.ts'
import { raise, reading } from './level-error.ts'
import { PAGE, readPages } from './level-pages.ts'
import type { CommitRecord, Expiry, Frontier, LogReads, LogRecord, LogView, StoredBase } from './port.ts'
import type { TailPlace } from './tail-index.ts'

export type Snapshot = AbstractSnapshot
export type Level = AbstractLevel<string | Buffer | Uint8Array, string, Buffer>

const PAGE_BYTES = 256 * 1024

/** What is read of the log in passes over a whole range of keys; as of a snapshot of the database where one is given. */
export class LevelReads implements LogReads {
  readonly #db: Level
  readonly #snapshot: Snapshot | undefined

  constructor(db: Level, snapshot?: Snapshot) {
    this.#db = db
    this.#snapshot = snapshot
  }

  async readFrontier(): Promise<Frontier | undefined> {
    const options = this.#snapshot === undefined ? {} : { snapshot: this.#snapshot }
    const value = await this.#db.get(FRONTIER_KEY, options).catch(error => raise(error))
    return value && decodeFrontier(value)
  }

  commits(after: number, signal?: AbortSignal): AsyncIterable<readonly CommitRecord[]> {
    const range = { gte: RANGE.commit + orderedNumber(after + 1), lt: upperBound(RANGE.commit) }
    return readPages(this.iterate(range), decodeCommit, PAGE, signal)
  }

  bases(): AsyncIterable<readonly StoredBase[]> {
    return readPages(this.iterate(rangeOf(RANGE.base)), decodeStoredBase, PAGE)
  }

  expiries(): AsyncIterable<readonly Expiry[]> {
    return readPages(this.iterate(rangeOf(RANGE.expiry)), decodeExpiry, PAGE)
  }

  sealed(signal?: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    return readPages(this.iterate(rangeOf(RANGE.segment)), decodeSegment, PAGE, signal)
  }

  tail(signal?: AbortSignal): AsyncIterable<readonly (LogRecord & TailPlace)[]> {
    return readPages(this.iterate(rangeOf(RANGE.tail)), decodeTail, PAGE, signal)
  }

  protected iterate(range: KeyRange, options: object = {}): AbstractIterator<Level, string, Buffer> {
    const at = this.#snapshot === undefined ? {} : { snapshot: this.#snapshot }
    const all = { ...range, ...at, ...options, highWaterMarkBytes: PAGE_BYTES }
    return reading(() => this.#db.iterator(all))
  }
}

/** The log as it was when this was made. */
export class LevelView extends LevelReads implements LogView {
  readonly #held: Snapshot

  constructor(db: Level) {
    const snapshot = reading(() => db.snapshot())
    super(db, snapshot)
    this.#held = snapshot
  }

  async close(): Promise<void> {
    await this.#held.close()
  }
}
