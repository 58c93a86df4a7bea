import { hasCode } from '../errors.ts'
import type { EventLog, LogOperation } from '../log/port.ts'
import type { LogReader } from '../log/reader.ts'
import type { RawEvent } from '../log/record.ts'
import type { RecordedState } from '../log/recorded-state.ts'
import { cutSegments, SEGMENT_BYTES_MIN } from '../log/segment.ts'
import type { Writer } from '../log/writer.ts'
import { baseOf, type CompactedSession, type LastSegment } from './compacted-session.ts'
import type { CompactionProblem, SnapshotFolder } from './snapshot-folder.ts'
import { eventsOf, readTail, type Tail } from './tail.ts'

/** How to compact. */
export interface CompactOptions {
  /** Interrupts between sessions: what is done stays done, and the next run finishes the rest. */
  signal?: AbortSignal
  /** Writes every session's base and snapshot again, also of those that have not changed. Default: false. */
  full?: boolean
  /** Waits where another compaction is under way, in place of being refused with `SESSIONLOG_COMPACTION_RUNNING`. Default: true. */
  wait?: boolean
  /** Told after each group of sessions. */
  onProgress?: (report: CompactionReport) => void
}

/** What a compaction did, so far or in the end. */
export interface CompactionReport {
  /** Sessions that had changed since the last compaction. */
  readonly sessions: number
  /** Events that were sealed. */
  readonly events: number
  readonly snapshotsWritten: number
  /** Of sessions that have no state any more. */
  readonly snapshotsRemoved: number
  /** Up to where this compaction went. */
  readonly position: number
  /** The root of the tree over all events up to there. */
  readonly root: string
  readonly durationMs: number
  /** Sessions left as they are, because of a snapshot that could not be written or a log that is damaged. */
  readonly problems: readonly CompactionProblem[]
}

export interface CompactionSource {
  readonly log: EventLog
  readonly reader: LogReader
  readonly writer: Writer
  readonly sessions: ReadonlyMap<string, CompactedSession>
  /** Undefined where the store has no directory. */
  readonly snapshots: SnapshotFolder | undefined
}

/** How much is written at once: as many sessions, or as many bytes of state. Saves meanwhile wait for a batch. */
const BATCH_SESSIONS = 16
const BATCH_BYTES = 1 << 20

const DAMAGES = ['SESSIONLOG_CORRUPTION', 'SESSIONLOG_EVENTS_MISSING'] as const

/**
 * Brings bases and snapshots up to date for the sessions that changed since the last time, and seals their
 * events. Everything derived is made from acknowledged states. A session is done in one atomic write, after its
 * snapshot is on the disk: killed at any moment, the next run finds what is left to do in the tail of the log.
 */
export async function compact(
  source: CompactionSource,
  options: CompactOptions = {},
): Promise<CompactionReport> {
  const run = new Run(source, options)
  await run.markFrontier()
  await run.sealTail()
  if (options.full) await run.rewriteAll()
  await source.log.reclaim('tail')
  const report = run.report()
  if (source.snapshots !== undefined && report.problems.length === 0)
    source.snapshots.completeTo = report.position
  return report
}

class Run {
  readonly #source: CompactionSource
  readonly #options: CompactOptions
  readonly #startedAt = performance.now()
  readonly #problems: CompactionProblem[] = []
  #position = 0
  #root = ''
  #sessions = 0
  #events = 0
  #written = 0
  #removed = 0

  constructor(source: CompactionSource, options: CompactOptions) {
    this.#source = source
    this.#options = options
  }

  report(): CompactionReport {
    return {
      sessions: this.#sessions,
      events: this.#events,
      snapshotsWritten: this.#written,
      snapshotsRemoved: this.#removed,
      position: this.#position,
      root: this.#root,
      durationMs: Math.round(performance.now() - this.#startedAt),
      problems: this.#problems,
    }
  }

  /**
   * Notes the tree as of the last acknowledged commit. Only events up to there are sealed, so that those after
   * the frontier are always found in the tail.
   */
  async markFrontier(): Promise<void> {
    await this.#source.writer.write(tree => {
      this.#position = tree.size
      this.#root = tree.root()
      return [{ op: 'frontier', frontier: { position: tree.size, peaks: [...tree.peaks] } }]
    }, true)
  }

  async sealTail(): Promise<void> {
    let batch: Tail[] = []
    let bytes = 0
    for await (const tail of this.#tails()) {
      batch.push(tail)
      bytes += tail.session.wholeBytes + tail.bytes
      if (batch.length < BATCH_SESSIONS && bytes < BATCH_BYTES) continue
      await this.#seal(batch)
      batch = []
      bytes = 0
    }
    await this.#seal(batch)
  }

  /** Writes every base and snapshot again. */
  async rewriteAll(): Promise<void> {
    let batch: CompactedSession[] = []
    for (const session of [...this.#source.sessions.values()]) {
      // Its first event is still on its way.
      if (session.acknowledged.version === 0) continue
      batch.push(session)
      if (batch.length < BATCH_SESSIONS) continue
      await this.#rewrite(batch)
      batch = []
    }
    await this.#rewrite(batch)
  }

  async #rewrite(batch: readonly CompactedSession[]): Promise<void> {
    this.#options.signal?.throwIfAborted()
    const states = batch.map(session => session.acknowledged)
    await this.#snapshots(states)
    const bases = batch.map((session, index) => ({ op: 'base' as const, ...baseOf(session, states[index]!) }))
    await this.#source.writer.write(() => bases)
  }

  /** The unsealed events of each session up to the frontier, those of a long one in parts. */
  async *#tails(): AsyncIterable<Tail> {
    for (const [id, from] of this.#source.log.unsealed()) {
      const session = this.#source.sessions.get(id)!
      const range = { from, to: session.acknowledged.version, signal: this.#options.signal }
      const parts = readTail(this.#source.reader, session, range, this.#position)
      for (;;) {
        const next = await this.#unlessDamaged(id, () => parts.next())
        if (next === undefined || next.done) break
        yield next.value
      }
    }
  }

  async #seal(batch: readonly Tail[]): Promise<void> {
    if (batch.length === 0) return
    this.#options.signal?.throwIfAborted()
    const states = batch.map(tail => tail.session.acknowledged)
    const failed = await this.#snapshots(states.filter((_, index) => batch[index]!.isLast))
    const operations: LogOperation[] = []
    const written: [CompactedSession, LastSegment][] = []
    for (const [index, tail] of batch.entries()) {
      const { session } = tail
      if (failed.has(session.id)) continue
      const events = await this.#unlessDamaged(session.id, () => this.#withLastSegment(tail))
      if (events === undefined) continue
      const segments = cutSegments(events)
      const last = segments[segments.length - 1]!
      const lastSegment = { segmentVersion: last.firstVersion, segmentBytes: last.bytes.length }
      const lastVersion = tail.events[tail.events.length - 1]!.version
      operations.push({ op: 'seal', sessionId: session.id, lastVersion, segments })
      operations.push({ op: 'base', ...baseOf(session, states[index]!, lastSegment) })
      written.push([session, lastSegment])
      if (tail.isLast) this.#sessions++
      this.#events += tail.events.length
    }
    if (operations.length > 0) await this.#source.writer.write(() => operations)
    for (const [session, lastSegment] of written) Object.assign(session, lastSegment)
    this.#options.onProgress?.(this.report())
  }

  /** A last segment that is still short is written again, with the new events behind. */
  async #withLastSegment({ session, events }: Tail): Promise<readonly RawEvent[]> {
    if (session.segmentVersion === 0 || session.segmentBytes >= SEGMENT_BYTES_MIN) return events
    const range = { from: session.segmentVersion, to: events[0]!.version - 1 }
    return [...(await eventsOf(this.#source.reader.session(session.id, range))), ...events]
  }

  /** A damaged session must not keep the others from being compacted: it is told of, and its log left as it is. */
  async #unlessDamaged<T>(sessionId: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!DAMAGES.some(code => hasCode(error, code))) throw error
      this.#problems.push({ sessionId, error: error as Error })
      return undefined
    }
  }

  /** Writes or removes snapshots; answers with the sessions whose snapshot could not be. */
  async #snapshots(states: readonly RecordedState[]): Promise<Set<string>> {
    const failed = new Set<string>()
    const { snapshots } = this.#source
    if (snapshots === undefined) return failed
    // A snapshot must not outlive, in a power cut, the events that it was made from.
    await this.#source.writer.makeDurable()
    const outcome = await snapshots.update(states)
    this.#written += outcome.written
    this.#removed += outcome.removed
    for (const problem of outcome.problems) {
      failed.add(problem.sessionId)
      this.#problems.push(problem)
    }
    return failed
  }
}
