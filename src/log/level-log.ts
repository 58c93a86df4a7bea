import { SessionlogTypeError } from '../errors.ts'
import type { Durability } from '../event.ts'
import { archivedKey, prunedEntry } from './archive-entries.ts'
import type { ArchiveFiles } from './archive-file.ts'
import { orderedNumber, RANGE, rangeOf, sessionPrefix, upperBound } from './keys.ts'
import { LevelArchive } from './level-archive.ts'
import {
  decodeCommit,
  decodeEventId,
  decodeEventIdEntry,
  decodeFork,
  decodeSegment,
  decodeStore,
  entryOf,
  eventIdKey,
  STORE_KEY,
  STRAYS,
  SYNC_KEY,
  segmentKey,
  tailKey,
} from './level-entries.ts'
import { raise, readError, reading } from './level-error.ts'
import { type Level, PAGE, readPages, type Snapshot } from './level-pages.ts'
import { LevelReads, LevelView } from './level-reads.ts'
import type {
  CommitRecord,
  EventId,
  EventLog,
  Fork,
  LogOperation,
  LogRecord,
  LogView,
  StoreRecord,
  VersionRange,
} from './port.ts'
import { countWithin, type TailEntry, TailIndex, type TailPlace } from './tail-index.ts'

/** The log in LevelDB, or in any abstract-level database that can read synchronously. */
export class LevelLog extends LevelReads implements EventLog {
  readonly durability: Durability
  readonly #db: Level
  readonly #archive: LevelArchive
  readonly #tail = new TailIndex()
  /** Sessions whose records are on their way from the tail to the sealed: they may be in either. */
  readonly #sealing = new Set<string>()

  /** Whether the database keeps the very values it is given. */
  readonly #keepsValues: boolean

  /** REQUIRES: `db` is open, has text keys and Buffer values, and belongs to this log alone. */
  constructor(db: Level, durability: Durability, keepsValues: boolean, files?: ArchiveFiles) {
    const { getSync, explicitSnapshots } = db.supports as { getSync?: boolean; explicitSnapshots?: boolean }
    if (!getSync) throw new SessionlogTypeError('The database has no getSync()', 'db')
    if (!explicitSnapshots) throw new SessionlogTypeError('The database has no snapshot()', 'db')
    const archive = new LevelArchive(db, files)
    super(db, archive)
    this.#db = db
    this.#archive = archive
    this.durability = durability
    this.#keepsValues = keepsValues
  }

  async write(operations: readonly LogOperation[], sync: boolean): Promise<void> {
    const batch = this.#db.batch()
    const put = (key: string, value: Uint8Array) =>
      batch.put(key, this.#keepsValues ? Buffer.from(value) : (value as Buffer))
    try {
      for (const operation of operations) {
        if (operation.op === 'seal') {
          this.#sealing.add(operation.sessionId)
          const sealed = { from: 1, to: operation.lastVersion }
          for (const place of this.#tail.find(operation.sessionId, sealed))
            batch.del(tailKey(operation.sessionId, place))
          for (const each of operation.segments) put(segmentKey(each), each.bytes)
        } else if (operation.op === 'prune') {
          const { sessionId, runs, blocks, eventIds } = operation
          for (const run of runs) put(...prunedEntry(run))
          for (const firstVersion of blocks) batch.del(archivedKey(sessionId, firstVersion))
          for (const eventId of eventIds) batch.del(eventIdKey(sessionId, eventId))
        } else {
          put(...entryOf(operation))
          if (operation.op !== 'archive') continue
          // Readers may find it there before the write is known to be through.
          this.#archive.change()
          const { sessionId } = operation.block
          for (const firstVersion of operation.sealed) batch.del(segmentKey({ sessionId, firstVersion }))
        }
      }
      // LevelDB has no sync of its own: a small write that is synced takes all before it along.
      if (batch.length === 0) put(SYNC_KEY, EMPTY)
    } catch (error) {
      await batch.close()
      throw error
    }
    await (batch as { write(options: { sync: boolean }): Promise<void> }).write({ sync })
    this.#index(operations)
  }

  async readStore(): Promise<StoreRecord | undefined> {
    const value = await this.#db.get(STORE_KEY).catch(error => raise(error))
    return value && decodeStore(value)
  }

  async lastCommit(): Promise<CommitRecord | undefined> {
    const newest = this.#db.iterator({ ...rangeOf(RANGE.commit), reverse: true, limit: 1 })
    const [last] = await newest.all().catch(error => raise(error))
    return last && decodeCommit(...last)
  }

  view(): LogView {
    return new LevelView(this.#db, this.#archive)
  }

  override async *tail(signal?: AbortSignal): AsyncIterable<readonly (LogRecord & TailPlace)[]> {
    for await (const page of super.tail(signal)) {
      for (const record of page) this.#tail.add(record.sessionId, record)
      yield page
    }
  }

  unsealed(): [sessionId: string, firstVersion: number][] {
    return this.#tail.sessions()
  }

  async *read(sessionId: string, range: VersionRange): AsyncIterable<readonly LogRecord[]> {
    // Both parts are read as they are now: a record that is sealed meanwhile is in one of them.
    const places = this.#tail.find(sessionId, range)
    const snapshot = this.#snapshot()
    const tail = () => this.#readTail(sessionId, places, snapshot, range)
    const sealed = () => this.#readSealed(sessionId, range, snapshot)
    const inTail = places.length > 0 && places[0]!.firstVersion <= range.from && !this.#sealing.has(sessionId)
    try {
      if (range.reverse) yield* tail()
      if (!inTail) yield* sealed()
      if (!range.reverse) yield* tail()
    } catch (error) {
      throw readError(error, sessionId)
    } finally {
      await snapshot.close()
    }
  }

  findEventId(sessionId: string, eventId: string): number | undefined {
    // Not as text: classic-level 3 then misses some keys that are not ASCII, where it cuts them to its buffer.
    const key = Buffer.from(eventIdKey(sessionId, eventId))
    const value = reading(() => this.#db.getSync<Buffer, Buffer>(key, { keyEncoding: 'buffer' }), sessionId)
    return value && decodeEventId(value, sessionId)
  }

  eventIds(): AsyncIterable<readonly EventId[]> {
    return readPages(this.iterate(rangeOf(RANGE.eventId)), decodeEventIdEntry, PAGE)
  }

  forks(sessionId?: string): AsyncIterable<readonly Fork[]> {
    const prefix = sessionId === undefined ? RANGE.fork : sessionPrefix(RANGE.fork, sessionId)
    return readPages(this.iterate({ gte: prefix, lt: upperBound(prefix) }), decodeFork, PAGE)
  }

  async *strays(): AsyncIterable<readonly string[]> {
    for (const range of STRAYS) yield* readPages(this.iterate(range), key => key, PAGE)
  }

  async reclaim(of: 'tail' | 'sealed'): Promise<void> {
    const db = this.#db as Level & { compactRange?: (start: string, end: string) => Promise<void> }
    const range = of === 'tail' ? RANGE.tail : RANGE.segment
    await db.compactRange?.(range, upperBound(range)).catch(error => raise(error))
  }

  async close(): Promise<void> {
    await this.#db.close()
  }

  async *#readTail(
    sessionId: string,
    places: readonly TailEntry[],
    snapshot: Snapshot,
    { reverse = false, signal }: VersionRange,
  ): AsyncIterable<readonly LogRecord[]> {
    const order = reverse ? places.toReversed() : places
    let read = 0
    for (let at = 0, count = 0; at < order.length; at += count) {
      signal?.throwIfAborted()
      count = countWithin(order, at, reverse ? read / 4 : read)
      const page = order.slice(at, at + count)
      for (const { size } of page) read += size
      const values = await this.#db.getMany(
        page.map(place => tailKey(sessionId, place)),
        { snapshot },
      )
      // A record that was being sealed when the places were looked up is not here any more.
      yield page.flatMap((place, i) =>
        values[i] === undefined ? [] : { sessionId, ...place, bytes: values[i] },
      )
    }
  }

  /** The session's sealed records from the one that holds version `from` to the one that holds `to`. */
  async *#readSealed(
    sessionId: string,
    versions: VersionRange,
    snapshot: Snapshot,
  ): AsyncIterable<readonly LogRecord[]> {
    const { from, to, reverse = false, signal } = versions
    const prefix = sessionPrefix(RANGE.segment, sessionId)
    const before = { gte: prefix, lte: prefix + orderedNumber(from), reverse: true, limit: 1, snapshot }
    const [first] = from <= 1 ? [] : await this.#db.keys(before).all()
    const range = { gte: first ?? prefix, lte: prefix + orderedNumber(to) }
    if (first === undefined && !reverse) yield* this.#archive.read(sessionId, versions, snapshot)
    yield* readPages(this.iterate(range, { reverse, snapshot }), decodeSegment, 1, signal, sessionId)
    if (first === undefined && reverse) yield* this.#archive.read(sessionId, versions, snapshot)
  }

  /** Follows what was written. Readers go by acknowledged versions, so it may come a moment later. */
  #index(operations: readonly LogOperation[]): void {
    for (const operation of operations) {
      if (operation.op === 'record') this.#tail.add(operation.sessionId, operation)
      else if (operation.op === 'seal') {
        this.#tail.remove(operation.sessionId, operation.lastVersion)
        this.#sealing.delete(operation.sessionId)
      } else if (operation.op === 'archive' || operation.op === 'prune') this.#archive.change()
    }
  }

  #snapshot(): Snapshot {
    return reading(() => this.#db.snapshot())
  }
}

const EMPTY = Buffer.alloc(0)
