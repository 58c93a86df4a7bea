import type { AbstractIterator } from 'abstract-level'
import { hasCode } from '../errors.ts'
import { decodeArchived, decodePruned, decodeRetention } from './archive-entries.ts'
import { type KeyRange, orderedNumber, RANGE, rangeOf, sessionPrefix, upperBound } from './keys.ts'
import type { LevelArchive } from './level-archive.ts'
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
import { type Level, PAGE, readPages, type Snapshot } from './level-pages.ts'
import type { CommitRecord, Expiry, Frontier, LogReads, LogRecord, LogView, StoredBase } from './port.ts'
import type { ArchivedBlock, PrunedRun, Retention } from './retention.ts'
import type { TailPlace } from './tail-index.ts'

const PAGE_BYTES = 256 * 1024

/** What is read of the log in passes over a whole range of keys; as of a snapshot of the database where one is given. */
export class LevelReads implements LogReads {
  readonly #db: Level
  readonly #archive: LevelArchive
  readonly #snapshot: Snapshot | undefined

  constructor(db: Level, archive: LevelArchive, snapshot?: Snapshot) {
    this.#db = db
    this.#archive = archive
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

  unarchived(signal?: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    return readPages(this.iterate(rangeOf(RANGE.segment)), decodeSegment, PAGE, signal)
  }

  archived(): AsyncIterable<readonly ArchivedBlock[]> {
    return readPages(this.iterate(rangeOf(RANGE.archived)), decodeArchived, PAGE)
  }

  /** What a session has in the archive comes before what it has here. */
  async *sealed(signal?: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    // Both begin at once, so that nothing is archived in between.
    const blocks = each(this.archived())
    const pages = this.unarchived(signal)
    let block = (await blocks.next()).value
    for await (const page of pages) {
      let from = 0
      for (const [at, { sessionId }] of page.entries()) {
        while (block && !isAfter(block.sessionId, sessionId)) {
          if (at > from) yield page.slice(from, at)
          from = at
          yield await this.#recordsOf(block)
          block = (await blocks.next()).value
        }
      }
      yield from === 0 ? page : page.slice(from)
    }
    for (; block; block = (await blocks.next()).value) {
      signal?.throwIfAborted()
      yield await this.#recordsOf(block)
    }
  }

  pruned(signal?: AbortSignal): AsyncIterable<readonly PrunedRun[]> {
    return readPages(this.iterate(rangeOf(RANGE.pruned)), decodePruned, 1, signal)
  }

  retentions(): AsyncIterable<readonly Retention[]> {
    return readPages(this.iterate(rangeOf(RANGE.retention)), decodeRetention, PAGE)
  }

  tail(signal?: AbortSignal): AsyncIterable<readonly (LogRecord & TailPlace)[]> {
    return readPages(this.iterate(rangeOf(RANGE.tail)), decodeTail, PAGE, signal)
  }

  /** What can't be read is for whoever reads on to tell of. */
  async #recordsOf(block: ArchivedBlock): Promise<readonly LogRecord[]> {
    try {
      return await this.#archive.records(block)
    } catch (fault) {
      if (!hasCode(fault)) throw fault
      const { sessionId, firstVersion } = block
      return [{ sessionId, firstVersion, bytes: NOTHING, isArchived: true, fault: fault as Error }]
    }
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

  constructor(db: Level, archive: LevelArchive) {
    const snapshot = reading(() => db.snapshot())
    super(db, archive, snapshot)
    this.#held = snapshot
  }

  async close(): Promise<void> {
    await this.#held.close()
  }
}

const NOTHING = new Uint8Array(0)

async function* each<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T, undefined, undefined> {
  for await (const page of pages) yield* page
  return undefined
}

/** In the order of their keys. */
function isAfter(id: string, other: string): boolean {
  if (id === other) return false
  return Buffer.from(sessionPrefix('', id)).compare(Buffer.from(sessionPrefix('', other))) > 0
}
