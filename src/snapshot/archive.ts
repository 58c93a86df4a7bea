import { hasCode } from '../errors.ts'
import { encodeBlock } from '../log/archive-file.ts'
import type { LogOperation, LogRecord } from '../log/port.ts'
import { type RawEvent, readRecord } from '../log/record.ts'
import { type ArchivePlace, nextFile, sweepArchive } from './archive-sweep.ts'
import { type NewBlock, writeArchiveFile } from './archive-writer.ts'
import { baseOf, type CompactedSession } from './compacted-session.ts'
import type { CompactionProblem } from './snapshot-folder.ts'

/** Which events to archive. At least one of the first two is given; where both are, both must hold. */
export interface ArchiveOptions {
  /** Recorded longer ago than this: ms, or a text such as `90d`, `12h`, `2w`. */
  olderThan?: number | string
  /** So many of each session stay. */
  keepLast?: number
  /** Only says what would be done, of what is sealed already. Default: false. */
  dryRun?: boolean
  /** Interrupts between files: what is done stays done. */
  signal?: AbortSignal
  /** Waits where the store is being compacted, in place of being refused with `SESSIONLOG_COMPACTION_RUNNING`. Default: true. */
  wait?: boolean
  /** Told after each file. */
  onProgress?: (report: ArchiveReport) => void
}

export interface ArchiveReport {
  readonly sessions: number
  readonly events: number
  /** What the events took in the log, and what they take in the archive. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** How many files were written. */
  readonly files: number
  readonly durationMs: number
  readonly dryRun: boolean
  /** Sessions that were left as they are because their log is damaged. */
  readonly problems: readonly CompactionProblem[]
}

/** Events below these are archived. */
export interface ArchiveLimits {
  /** ms since the epoch. */
  readonly before: number
  readonly keepLast: number
}

export interface ArchiveSource extends ArchivePlace {
  readonly sessions: ReadonlyMap<string, CompactedSession>
}

/** A block is read and unpacked as a whole, so it holds no more than this by much; a file no more than that. */
const BLOCK_BYTES = 32 * 1024
const FILE_BYTES = 64 * 1024 * 1024
const FILE_BLOCKS = 10_000

/**
 * Moves sealed records to files beside the log. Each file is on the disk before one atomic write takes its records out of
 * the log: killed at any moment, a record is in the log or in the archive, and at most a file is left that nothing names,
 * which the next run removes. REQUIRES: nothing seals records meanwhile.
 */
export async function archive(
  source: ArchiveSource,
  limits: ArchiveLimits,
  { dryRun = false, signal, onProgress }: ArchiveOptions,
): Promise<ArchiveReport> {
  const run = new Run(source, limits, dryRun)
  if (!dryRun) await run.begin()
  const blocks = run.blocks(signal)
  for (let next = await blocks.next(); !next.done; next = await blocks.next()) {
    if (!dryRun) await run.write(next.value, blocks)
    signal?.throwIfAborted()
    onProgress?.(run.report())
  }
  if (!dryRun && run.files > 0) await source.log.reclaim('sealed')
  return run.report()
}

type FoundBlock = NewBlock & { readonly sealed: readonly number[]; readonly size: number }

class Run {
  files = 0
  readonly #source: ArchiveSource
  readonly #limits: ArchiveLimits
  readonly #dryRun: boolean
  readonly #startedAt = performance.now()
  readonly #problems: CompactionProblem[] = []
  #next = 0
  #last: string | undefined
  #sessions = 0
  #events = 0
  #bytesBefore = 0
  #bytesAfter = 0

  constructor(source: ArchiveSource, limits: ArchiveLimits, dryRun: boolean) {
    this.#source = source
    this.#limits = limits
    this.#dryRun = dryRun
  }

  report(): ArchiveReport {
    return {
      sessions: this.#sessions,
      events: this.#events,
      bytesBefore: this.#bytesBefore,
      bytesAfter: this.#bytesAfter,
      files: this.files,
      durationMs: Math.round(performance.now() - this.#startedAt),
      dryRun: this.#dryRun,
      problems: this.#problems,
    }
  }

  /** Clears away what the last run has left, if it was killed. */
  async begin(): Promise<void> {
    this.#problems.push(...(await sweepArchive(this.#source)))
    this.#next = await nextFile(this.#source)
  }

  /** What is to be archived, of the sealed records as they are now. */
  async *blocks(signal: AbortSignal | undefined): AsyncGenerator<FoundBlock, void, undefined> {
    let records: LogRecord[] = []
    let events: RawEvent[] = []
    let size = 0
    let passed: string | undefined
    const close = async () => {
      const block = await this.#blockOf(records, events, size)
      records = []
      events = []
      size = 0
      return block
    }
    for await (const page of this.#source.log.unarchived(signal)) {
      for (const record of page) {
        const isOther = records.length > 0 && records[0]!.sessionId !== record.sessionId
        if (isOther || size >= BLOCK_BYTES) yield await close()
        if (record.sessionId === passed) continue
        const found = this.#wanted(record)
        if (found === undefined) {
          // Nothing after it is archived before it is.
          passed = record.sessionId
          continue
        }
        records.push(record)
        for (const event of found) events.push(event)
        size += record.bytes.length
      }
    }
    if (records.length > 0) yield await close()
  }

  /** Writes a file with a block and those that follow, as many as fit; then takes what is in it out of the log. */
  async write(first: FoundBlock, more: AsyncGenerator<FoundBlock, void, undefined>): Promise<void> {
    const { files, origin, writer, sessions } = this.#source
    const sealed: (readonly number[])[] = []
    async function* some(): AsyncGenerator<NewBlock, void, undefined> {
      let size = 0
      for (let block: FoundBlock | undefined = first; block; ) {
        sealed.push(block.sealed)
        size += block.size
        yield block
        if (size >= FILE_BYTES || sealed.length >= FILE_BLOCKS) return
        const next = await more.next()
        block = next.done ? undefined : next.value
      }
    }
    const places = await writeArchiveFile(files, origin, this.#next++, some())
    const ended: CompactedSession[] = []
    await writer.write(() => {
      const operations: LogOperation[] = []
      for (const [at, block] of places.entries()) {
        operations.push({ op: 'archive', block, sealed: sealed[at]! })
        const session = sessions.get(block.sessionId)!
        if (!sealed[at]!.includes(session.segmentVersion)) continue
        // The next compaction begins a record of its own.
        ended.push(session)
        operations.push({ op: 'base', ...baseOf(session, session.acknowledged, NO_SEGMENT) })
      }
      return operations
    }, true)
    for (const session of ended) Object.assign(session, NO_SEGMENT)
    this.files++
  }

  /** The record's events where all of them are to be archived. */
  #wanted(record: LogRecord): RawEvent[] | undefined {
    const { before, keepLast } = this.#limits
    const session = this.#source.sessions.get(record.sessionId)
    if (session === undefined) return undefined
    try {
      const events = readRecord(record)
      const { version, recordedAt } = events.at(-1)!
      return recordedAt < before && version <= session.acknowledged.version - keepLast ? events : undefined
    } catch (error) {
      if (!hasCode(error, 'SESSIONLOG_CORRUPTION')) throw error
      this.#problems.push({ sessionId: record.sessionId, error: error as Error })
      return undefined
    }
  }

  async #blockOf(
    records: readonly LogRecord[],
    events: readonly RawEvent[],
    size: number,
  ): Promise<FoundBlock> {
    const { sessionId, version: firstVersion, recordedAt } = events[0]!
    const body = await encodeBlock(records)
    if (this.#last !== sessionId) this.#sessions++
    this.#last = sessionId
    this.#events += events.length
    this.#bytesBefore += size
    this.#bytesAfter += body.length
    const sealed = records.map(record => record.firstVersion)
    const lastVersion = events.at(-1)!.version
    return { sessionId, firstVersion, lastVersion, recordedAt, body, sealed, size }
  }
}

const NO_SEGMENT = { segmentVersion: 0, segmentBytes: 0 }
