import type { AbstractIterator, AbstractLevel } from 'abstract-level'
import { SessionlogError, SessionlogTypeError } from '../errors.ts'
import type { Durability } from '../event.ts'
import { orderedNumber, RANGE, type Range, sessionPrefix, upperBound } from './keys.ts'
import {
  decodeCommit,
  decodeEventId,
  decodeExpiry,
  decodeFrontier,
  decodeRecord,
  decodeStore,
  decodeStoredBase,
  entryOf,
  eventIdKey,
  FRONTIER_KEY,
  recordKey,
  STORE_KEY,
  SYNC_KEY,
} from './level-entries.ts'
import type {
  CommitRecord,
  EventLog,
  Expiry,
  Frontier,
  LogOperation,
  LogRecord,
  StoredBase,
  StoreRecord,
  VersionRange,
} from './port.ts'

export type Level = AbstractLevel<string | Buffer | Uint8Array, string, Buffer>

/** How many entries are read at once on a pass over everything. */
const PAGE = 1000
const PAGE_BYTES = 256 * 1024

type KeyRange = { gte: string; lt: string } | { gte: string; lte: string }

/** The log in LevelDB, or in any abstract-level database that can read synchronously. */
export class LevelLog implements EventLog {
  readonly durability: Durability
  readonly #db: Level

  /** REQUIRES: `db` is open, has text keys and Buffer values, and belongs to this log alone. */
  constructor(db: Level, durability: Durability) {
    if (!(db.supports as { getSync?: boolean }).getSync)
      throw new SessionlogTypeError('The database has no getSync()', 'db')
    this.#db = db
    this.durability = durability
  }

  async write(operations: readonly LogOperation[], sync: boolean): Promise<void> {
    const batch = this.#db.batch()
    const put = (key: string, value: Uint8Array) => batch.put(key, value as Buffer)
    try {
      for (const operation of operations) {
        if (operation.op !== 'seal') put(...entryOf(operation))
        else {
          const { sessionId, tail, segments } = operation
          for (const version of tail) batch.del(recordKey(RANGE.tail, sessionId, version))
          for (const each of segments) put(recordKey(RANGE.segment, sessionId, each.firstVersion), each.bytes)
        }
      }
      // LevelDB has no sync of its own: a small write that is synced takes all before it along.
      if (batch.length === 0) put(SYNC_KEY, EMPTY)
    } catch (error) {
      await batch.close()
      throw error
    }
    await (batch as { write(options: { sync: boolean }): Promise<void> }).write({ sync })
  }

  async readStore(): Promise<StoreRecord | undefined> {
    const value = await this.#db.get(STORE_KEY).catch(error => raise(error))
    return value && decodeStore(value)
  }

  async readFrontier(): Promise<Frontier | undefined> {
    const value = await this.#db.get(FRONTIER_KEY).catch(error => raise(error))
    return value && decodeFrontier(value)
  }

  commits(after: number, signal?: AbortSignal): AsyncIterable<readonly CommitRecord[]> {
    const range = { gte: RANGE.commit + orderedNumber(after + 1), lt: upperBound(RANGE.commit) }
    return this.#pages(this.#iterate(range), decodeCommit, PAGE, signal)
  }

  async lastCommit(): Promise<CommitRecord | undefined> {
    const newest = this.#db.iterator({ ...rangeOf(RANGE.commit), reverse: true, limit: 1 })
    const [last] = await newest.all().catch(error => raise(error))
    return last && decodeCommit(...last)
  }

  bases(): AsyncIterable<readonly StoredBase[]> {
    return this.#pages(this.#iterate(rangeOf(RANGE.base)), decodeStoredBase, PAGE)
  }

  expiries(): AsyncIterable<readonly Expiry[]> {
    return this.#pages(this.#iterate(rangeOf(RANGE.expiry)), decodeExpiry, PAGE)
  }

  records(part: 'sealed' | 'tail', signal?: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    const range = part === 'sealed' ? RANGE.segment : RANGE.tail
    return this.#pages(this.#iterate(rangeOf(range)), decodeRecord, PAGE, signal)
  }

  async *read(sessionId: string, range: VersionRange): AsyncIterable<readonly LogRecord[]> {
    const { signal, reverse = false } = range
    const tail = await this.#recordRange(RANGE.tail, sessionId, range)
    const sealed = await this.#recordRange(RANGE.segment, sessionId, range)
    // An iterator reads the log as it was when it was made. The tail's is made first, so a record that is
    // sealed in between comes twice rather than not at all.
    const iterators = [this.#iterate(tail, reverse), this.#iterate(sealed, reverse)]
    try {
      if (!reverse) iterators.reverse()
      for (const iterator of iterators) yield* this.#pages(iterator, decodeRecord, 1, signal, sessionId)
    } finally {
      await Promise.all(iterators.map(iterator => iterator.close()))
    }
  }

  findEventId(sessionId: string, eventId: string): number | undefined {
    try {
      const value = this.#db.getSync(eventIdKey(sessionId, eventId))
      return value && decodeEventId(value, sessionId)
    } catch (error) {
      throw readError(error, sessionId)
    }
  }

  async reclaim(): Promise<void> {
    const db = this.#db as Level & { compactRange?: (start: string, end: string) => Promise<void> }
    await db.compactRange?.(RANGE.tail, upperBound(RANGE.tail)).catch(error => raise(error))
  }

  async close(): Promise<void> {
    await this.#db.close()
  }

  #iterate(range: KeyRange, reverse = false): AbstractIterator<Level, string, Buffer> {
    const options = { ...range, reverse, highWaterMarkBytes: PAGE_BYTES }
    try {
      return this.#db.iterator(options)
    } catch (error) {
      throw readError(error)
    }
  }

  /** Pages of up to `size` entries, with the next on its way; from a `size` of 1 they grow, and none is read ahead. */
  async *#pages<T>(
    iterator: AbstractIterator<Level, string, Buffer>,
    decode: (key: string, value: Buffer) => T,
    size: number,
    signal?: AbortSignal,
    sessionId?: string,
  ): AsyncIterable<readonly T[]> {
    const ahead = size > 1
    const read = (count: number) => {
      const page = iterator.nextv(count)
      page.catch(() => {})
      return page
    }
    let next: Promise<[string, Buffer][]> | undefined
    try {
      for (let count = size; ; count = Math.min(count * 4, PAGE)) {
        signal?.throwIfAborted()
        const page = await (next ?? read(count))
        if (page.length === 0) return
        if (ahead) next = read(PAGE)
        yield page.map(([key, value]) => decode(key, value))
      }
    } catch (error) {
      throw readError(error, sessionId)
    } finally {
      await iterator.close()
    }
  }

  /** The keys of a session's records from the one that holds version `from` to the one that holds `to`. */
  async #recordRange(range: Range, sessionId: string, { from, to }: VersionRange): Promise<KeyRange> {
    const prefix = sessionPrefix(range, sessionId)
    const lte = prefix + orderedNumber(to)
    if (from <= 1) return { gte: prefix, lte }
    const before = { gte: prefix, lte: prefix + orderedNumber(from), reverse: true, limit: 1 }
    const [first] = await this.#db
      .keys(before)
      .all()
      .catch(error => raise(error, sessionId))
    return { gte: first ?? prefix, lte }
  }
}

const EMPTY = Buffer.alloc(0)

function rangeOf(range: Range): KeyRange {
  return { gte: range, lt: upperBound(range) }
}

/** LevelDB sees some damage before our own checks do. */
function readError(error: unknown, sessionId?: string): unknown {
  const { code, message } = error as { code?: string; message: string }
  const details = { cause: error, ...(sessionId !== undefined && { sessionId }) }
  if (code === 'LEVEL_CORRUPTION')
    return new SessionlogError('SESSIONLOG_CORRUPTION', `The log is damaged: ${message}`, details)
  if (code === 'LEVEL_IO_ERROR')
    return new SessionlogError('SESSIONLOG_IO_ERROR', `The log cannot be read: ${message}`, details)
  if (code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN')
    return new SessionlogError('SESSIONLOG_NOT_OPEN', 'The log was closed before all was read', details)
  return error
}

function raise(error: unknown, sessionId?: string): never {
  throw readError(error, sessionId)
}
