import { hasCode, notRetained, SessionlogError } from '../errors.ts'
import { archivedKey, decodeArchived } from './archive-entries.ts'
import type { ArchiveFiles } from './archive-file.ts'
import { orderedNumber, RANGE, rangeOf, sessionPrefix } from './keys.ts'
import { type Level, readPages, type Snapshot } from './level-pages.ts'
import type { LogRecord, VersionRange } from './port.ts'
import type { ArchivedBlock } from './retention.ts'

/** What has left LevelDB for the archive's files, and is read as if it had not. */
export class LevelArchive {
  readonly #db: Level
  readonly #files: ArchiveFiles | undefined
  #isUsed: boolean | undefined
  /** Blocks that were read last: who reads all sessions in commit order comes back to each. */
  readonly #recent = new Map<string, readonly LogRecord[]>()
  #recentBytes = 0

  /** A database of the caller's has no archive. */
  constructor(db: Level, files: ArchiveFiles | undefined) {
    this.#db = db
    this.#files = files
  }

  /** What is there has changed. */
  change(): void {
    this.#isUsed = true
    this.#recent.clear()
    this.#recentBytes = 0
  }

  /** A session's records there that hold versions `from` to `to`, in order or in reverse. */
  async *read(
    sessionId: string,
    { from, to, reverse = false, signal }: VersionRange,
    snapshot: Snapshot,
  ): AsyncIterable<readonly LogRecord[]> {
    if (!(await this.#hasAny())) return
    const prefix = sessionPrefix(RANGE.archived, sessionId)
    const before = { gte: prefix, lte: prefix + orderedNumber(from), reverse: true, limit: 1, snapshot }
    const [first] = from <= 1 ? [] : await this.#db.keys(before).all()
    const range = { gte: first ?? prefix, lte: prefix + orderedNumber(to) }
    const entries = this.#db.iterator({ ...range, reverse, snapshot })
    for await (const page of readPages(entries, decodeArchived, 1, signal, sessionId)) {
      for (const block of page) {
        const records = await this.#recently(block)
        const wanted = records.filter(
          ({ firstVersion }, at) => firstVersion <= to && (records[at + 1]?.firstVersion ?? Infinity) > from,
        )
        if (wanted.length > 0) yield reverse ? wanted.toReversed() : wanted
      }
    }
  }

  /** The records of a block, as they are on the disk. A file that is gone may have been replaced, or pruned, since its entry was read. */
  async records(block: ArchivedBlock): Promise<readonly LogRecord[]> {
    const { sessionId, firstVersion, lastVersion } = block
    try {
      return await this.#files!.records(block)
    } catch (error) {
      const value = await this.#db.get(archivedKey(sessionId, firstVersion))
      if (value === undefined) throw notRetained(sessionId, lastVersion + 1)
      const now = decodeArchived(archivedKey(sessionId, firstVersion), value)
      if (now.file !== block.file) return this.records(now)
      throw isGone(error) ? fileGone(block, this.#files!.pathOf(block.file)) : error
    }
  }

  async #recently(block: ArchivedBlock): Promise<readonly LogRecord[]> {
    const { sessionId, firstVersion, file, offset } = block
    const place = `${file}/${offset}`
    const known = this.#recent.get(place)
    // A file's number may be given again once the last file is gone.
    if (known?.[0]?.sessionId === sessionId && known[0].firstVersion === firstVersion) return known
    const records = await this.records(block)
    this.#keep(place, records)
    return records
  }

  #keep(place: string, records: readonly LogRecord[]): void {
    this.#recentBytes += bytesOf(records) - bytesOf(this.#recent.get(place) ?? [])
    this.#recent.delete(place)
    this.#recent.set(place, records)
    for (const [oldest, kept] of this.#recent) {
      if (this.#recentBytes <= RECENT_BYTES_MAX) break
      this.#recent.delete(oldest)
      this.#recentBytes -= bytesOf(kept)
    }
  }

  async #hasAny(): Promise<boolean> {
    if (this.#isUsed !== undefined) return this.#isUsed
    const found = await this.#db.keys({ ...rangeOf(RANGE.archived), limit: 1 }).all()
    // Something may have been put there meanwhile.
    this.#isUsed ??= found.length > 0
    return this.#isUsed
  }
}

/** What blocks that were read take in memory, unpacked, at the most. */
const RECENT_BYTES_MAX = 16 * 1024 * 1024

function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function isGone(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string } }
  return hasCode(error, 'SESSIONLOG_IO_ERROR') && cause?.code === 'ENOENT'
}

function fileGone({ sessionId, firstVersion, lastVersion }: ArchivedBlock, path: string): SessionlogError {
  const what = `Versions ${firstVersion} to ${lastVersion} of session '${sessionId}'`
  const message = `${what} are missing: the archive's file ${path} is gone`
  return new SessionlogError('SESSIONLOG_EVENTS_MISSING', message, { sessionId, version: firstVersion, path })
}
