import { join } from 'node:path'
import { wrong } from './arguments.ts'
import { publish } from './diagnostics.ts'
import { sessionNotFound } from './errors.ts'
import { HELD, RELEASED, type Receipt } from './event.ts'
import { ArchiveFiles } from './log/archive-file.ts'
import type { MerkleTree } from './log/chain.ts'
import type { StoreRecord } from './log/port.ts'
import type { Writer } from './log/writer.ts'
import type { Metrics } from './metrics.ts'
import type { Settings } from './options.ts'
import type { StoreParts } from './parts.ts'
import type { Place } from './place.ts'
import type { Session } from './projection/session.ts'
import { type PruneOptions, type PruneReport, prune } from './pruner.ts'
import { receiptOf } from './receipt.ts'
import type { Recorder } from './recorder.ts'
import { type ArchiveOptions, type ArchiveReport, archive } from './snapshot/archive.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import { Compactor } from './snapshot/compactor.ts'
import { diskUse } from './snapshot/disk-use.ts'
import type { SnapshotFolder } from './snapshot/snapshot-folder.ts'
import type { LogStats } from './stats.ts'
import { type VerifyOptions, type VerifyReport, verify } from './verify.ts'
import type { HoldOptions, Work } from './work.ts'
import { limitsOf } from './work-options.ts'

export interface OwnerParts<State> {
  readonly settings: Settings<State>
  readonly place: Place
  readonly record: StoreRecord
  readonly tree: MerkleTree
  readonly writer: Writer
  readonly snapshots: SnapshotFolder | undefined
  readonly metrics: Metrics
  readonly store: StoreParts<State>
}

/** What the owner of a log does beside writing it, one thing at a time. */
export class OwnerWork<State> implements Work {
  readonly #parts: OwnerParts<State>
  readonly #compactor: Compactor

  /** `note` leaves word of how far a compaction went. */
  constructor(parts: OwnerParts<State>, note: (position: number, root: string) => Promise<void>) {
    this.#parts = parts
    const { settings, place, record, snapshots, writer, metrics, store } = parts
    const { reader, cache, prover } = store
    const { logger, compactEvery, dir } = settings
    const { origin } = record
    const source = { log: place.log, reader, writer, sessions: cache.sessions, snapshots }
    this.#compactor = new Compactor(source, compactEvery, {
      onDone: report => {
        metrics.compacted(report)
        publish('sessionlog:compact', () => ({ origin, dir, report }))
        return note(report.position, report.root)
      },
      async onEnd({ position, root }) {
        await settings.onCheckpoint?.(prover.sign(position, root))
      },
      onFailure: error => {
        metrics.compactionFailed(error)
        publish('sessionlog:compact', () => ({ origin, dir, error }))
      },
      onUnawaited: err => logger.error({ err }, 'Compaction failed'),
    })
  }

  compact(options: CompactOptions): Promise<CompactionReport> {
    return this.#compactor.run(options)
  }

  verify(options: VerifyOptions): Promise<VerifyReport> {
    const { place, record, writer, snapshots, store } = this.#parts
    const { reader, cache } = store
    const { log, directory } = place
    return this.#compactor.alone(async signal => {
      await writer.settled()
      const parts = { log, reader, writer, cache, snapshots, directory, origin: record.origin }
      return verify(parts, { ...options, signal })
    }, options)
  }

  async stats(): Promise<LogStats> {
    const { place, metrics } = this.#parts
    const logBytes = place.directory && diskUse(join(place.directory.path, 'log')).bytes
    const followers = place.host?.followers ?? 0
    return { ...metrics.commits, logBytes, followers, lastCompaction: metrics.lastCompaction }
  }

  /** Interrupts what is running, and waits for it to end. */
  stop(): Promise<void> {
    return this.#compactor.stop()
  }

  async archive(options: ArchiveOptions): Promise<ArchiveReport> {
    const { store } = this.#parts
    const limits = limitsOf(options, store.recorder.now())
    const place = this.#place()
    const { dryRun, signal, wait } = options
    const more = { ...(signal !== undefined && { signal }), ...(wait !== undefined && { wait }) }
    // Only what is sealed can go, and only below a base.
    if (!dryRun) await this.compact(more)
    return this.#compactor.alone(either => {
      const source = { ...place, sessions: store.cache.sessions }
      return archive(source, limits, { ...options, signal: either })
    }, more)
  }

  async prune(options: PruneOptions): Promise<PruneReport> {
    const { store, record } = this.#parts
    const place = this.#place()
    const { signal, wait } = options
    return this.#compactor.alone(
      either => {
        const recorder = store.recorder as Recorder<never>
        const parts = {
          ...place,
          policy: record.prune,
          sessions: store.cache.sessions,
          recorder,
          reader: store.reader,
        }
        return prune(parts, { ...options, signal: either })
      },
      { ...(signal !== undefined && { signal }), ...(wait !== undefined && { wait }) },
    )
  }

  /** Protects a session from being pruned, or ends that, by an event; where it is so already, there is none. */
  async hold(id: string, on: boolean, options: HoldOptions): Promise<Receipt> {
    const { store, writer } = this.#parts
    const session = store.cache.sessions.get(id)
    if (session === undefined || session.version === 0) throw sessionNotFound(id)
    await writer.settled()
    if (session.retained.held === on && session.holding === 0)
      return store.receiptAt(session, session.version)
    return this.#set(session, on, options)
  }

  async #set(session: Session, on: boolean, options: HoldOptions): Promise<Receipt> {
    const { store } = this.#parts
    const append = store.recorder.remark(session, on ? HELD : RELEASED, undefined, options)
    if (on) session.holding++
    try {
      return await store.recorder.write([append], 0, () => receiptOf(append, store.durability()))
    } finally {
      if (on) session.holding--
    }
  }

  #place() {
    const { place, writer, record } = this.#parts
    if (place.directory === undefined) throw wrong('A store in a database has no archive', 'dir')
    const files = new ArchiveFiles(join(place.directory.path, 'archive'))
    return { log: place.log, writer, origin: record.origin, files }
  }
}
