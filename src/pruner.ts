import { SessionlogError } from './errors.ts'
import { type Actor, PRUNED } from './event.ts'
import { decodePayload } from './log/codec.ts'
import type { LogReader } from './log/reader.ts'
import type { ArchivedBlock, PrunedData, PrunePolicy } from './log/retention.ts'
import type { Session } from './projection/session.ts'
import type { Recorder } from './recorder.ts'
import { type ArchivePlace, nextFile, sweepArchive } from './snapshot/archive-sweep.ts'
import { writeArchiveFile } from './snapshot/archive-writer.ts'
import { findCut, firstBlocks, type Pruning, planPruning } from './snapshot/pruning.ts'
import type { CompactionProblem } from './snapshot/snapshot-folder.ts'

/** Who prunes, and why: each session's `$pruned` event says so. What goes is for the store's own policy to say. */
export interface PruneOptions {
  actor?: Actor
  reason?: string
  /** Only says what would be done. Default: false. */
  dryRun?: boolean
  /** Interrupts between sessions: what is done stays done. */
  signal?: AbortSignal
  /** Waits where the store is being compacted, in place of being refused with `SESSIONLOG_COMPACTION_RUNNING`. Default: true. */
  wait?: boolean
  /** Told now and then. */
  onProgress?: (report: PruneReport) => void
}

export interface PruneReport {
  /** Sessions of which events were destroyed, and how many. */
  readonly sessions: number
  readonly events: number
  /** Sessions that a legal hold protects, and that have events in the archive. */
  readonly held: number
  readonly policy: PrunePolicy
  readonly durationMs: number
  readonly dryRun: boolean
  /** Sessions that were left as they are because their archive is damaged. */
  readonly problems: readonly CompactionProblem[]
}

export interface PrunerParts extends ArchivePlace {
  readonly policy: PrunePolicy | undefined
  readonly sessions: ReadonlyMap<string, Session>
  readonly recorder: Pick<Recorder<never>, 'now' | 'remark' | 'write'>
  readonly reader: LogReader
}

/** So many sessions are pruned at once: what stays of their blocks goes into one file. */
const BATCH = 256

/**
 * Destroys archived events as the store's policy allows. A session's part is one atomic write, with its `$pruned` event;
 * then the files of the archive are written anew without it. Killed at any moment, what was destroyed in the log is what
 * the next run takes out of the files.
 */
export async function prune(parts: PrunerParts, options: PruneOptions): Promise<PruneReport> {
  const { policy } = parts
  if (policy === undefined) throw notAllowed()
  const run = new Run(parts, policy, options)
  if (!options.dryRun) await run.sweep()
  if (options.dryRun) await run.rehearse()
  else while (await run.pass());
  if (!options.dryRun) await run.sweep()
  return run.report()
}

class Run {
  readonly #parts: PrunerParts
  readonly #policy: PrunePolicy
  readonly #options: PruneOptions
  readonly #startedAt = performance.now()
  readonly #pruned = new Set<string>()
  readonly #held = new Set<string>()
  #events = 0
  #problems: readonly CompactionProblem[] = []

  constructor(parts: PrunerParts, policy: PrunePolicy, options: PruneOptions) {
    this.#parts = parts
    this.#policy = policy
    this.#options = options
  }

  report(): PruneReport {
    return {
      sessions: this.#pruned.size,
      events: this.#events,
      held: this.#held.size,
      policy: this.#policy,
      durationMs: Math.round(performance.now() - this.#startedAt),
      dryRun: this.#options.dryRun ?? false,
      problems: this.#problems,
    }
  }

  /** What was destroyed in the log is destroyed on the disk. */
  async sweep(): Promise<void> {
    this.#problems = await sweepArchive(this.#parts)
  }

  /** Counts what would go. */
  async rehearse(): Promise<void> {
    for await (const { session, blocks } of this.#unheld()) {
      const cut = await this.#cutOf(session, blocks)
      if (cut !== undefined) this.#count(session.id, cut - Math.max(session.retained.cut, 1))
    }
  }

  /** Prunes each session once; true where one has more to go, because it is long. */
  async pass(): Promise<boolean> {
    let isPartial = false
    let batch: Pruning[] = []
    for await (const { session, blocks } of this.#unheld()) {
      const part = firstBlocks(blocks)
      const cut = await this.#cutOf(session, part)
      if (cut === undefined) continue
      if (part.length < blocks.length) isPartial = true
      batch.push(await planPruning(this.#read, part, Math.max(session.retained.cut, 1), cut))
      if (batch.length < BATCH) continue
      await this.#carryOut(batch)
      batch = []
    }
    await this.#carryOut(batch)
    return isPartial
  }

  readonly #read = (block: ArchivedBlock) => this.#parts.files.records(block)

  async #cutOf(session: Session, blocks: readonly ArchivedBlock[]): Promise<number | undefined> {
    const { retained } = session
    const { olderThan, keepLast = 0 } = this.#policy
    const before = olderThan === undefined ? Number.POSITIVE_INFINITY : this.#parts.recorder.now() - olderThan
    const extent = { cut: retained.cut, head: await this.#lastOwn(session) }
    return findCut(this.#read, blocks, extent, { before, keepLast })
  }

  /** The last version that is not itself about pruning: what came of one run must not make the next one go further. */
  async #lastOwn({ id, acknowledged, retained }: Session): Promise<number> {
    const range = { from: retained.cut + 1, to: acknowledged.version, reverse: true }
    for await (const events of this.#parts.reader.session(id, range)) {
      const own = events.find(event => decodePayload(event).facts.type !== PRUNED)
      if (own !== undefined) return own.version
    }
    return retained.cut
  }

  async *#unheld(): AsyncGenerator<{ session: Session; blocks: readonly ArchivedBlock[] }, void, undefined> {
    for await (const blocks of this.#bySession()) {
      this.#options.signal?.throwIfAborted()
      const session = this.#parts.sessions.get(blocks[0]!.sessionId)!
      if (isHeld(session)) this.#held.add(session.id)
      else yield { session, blocks }
    }
  }

  async #carryOut(batch: readonly Pruning[]): Promise<void> {
    if (batch.length === 0) return
    const places = await this.#writeRests(batch)
    await Promise.all(batch.map(pruning => this.#prune(pruning, places.get(pruning.sessionId))))
    this.#options.onProgress?.(this.report())
  }

  /** All that is decided on the session as it is now happens in one turn, so that no hold comes in between. */
  async #prune(pruning: Pruning, rest: ArchivedBlock | undefined): Promise<void> {
    const { recorder, sessions } = this.#parts
    const { sessionId, from, to, hash, runs, blocks, eventIds } = pruning
    const session = sessions.get(sessionId)!
    if (isHeld(session)) {
      this.#held.add(sessionId)
      return
    }
    const { actor, reason } = this.#options
    const data: PrunedData = { from, to, hash, policy: this.#policy }
    const append = recorder.remark(session, PRUNED, data, {
      ...(actor !== undefined && { actor }),
      ...(reason !== undefined && { reason }),
    })
    const destroyed = { op: 'prune', sessionId, runs, blocks, eventIds } as const
    const operations =
      rest === undefined ? [destroyed] : [destroyed, { op: 'archive', block: rest, sealed: [] } as const]
    await recorder.write(
      [append],
      0,
      () => undefined,
      () => operations,
    )
    this.#count(sessionId, to - from + 1)
  }

  #count(sessionId: string, events: number): void {
    this.#pruned.add(sessionId)
    this.#events += events
  }

  async #writeRests(batch: readonly Pruning[]): Promise<Map<string, ArchivedBlock>> {
    const { files, origin } = this.#parts
    const rests = batch.flatMap(({ rest }) => rest ?? [])
    if (rests.length === 0) return new Map()
    async function* blocks() {
      yield* rests
    }
    const places = await writeArchiveFile(files, origin, await nextFile(this.#parts), blocks())
    return new Map(places.map(place => [place.sessionId, place]))
  }

  async *#bySession(): AsyncGenerator<ArchivedBlock[], void, undefined> {
    let blocks: ArchivedBlock[] = []
    for await (const page of this.#parts.log.archived()) {
      for (const block of page) {
        if (blocks.length > 0 && blocks[0]!.sessionId !== block.sessionId) {
          yield blocks
          blocks = []
        }
        blocks.push(block)
      }
    }
    if (blocks.length > 0) yield blocks
  }
}

/** Held, or about to be. */
function isHeld({ retained, holding }: Session): boolean {
  return retained.held || holding > 0
}

function notAllowed(): SessionlogError {
  const message = "The store's policy allows no pruning: its option 'prune' says what may be pruned"
  return new SessionlogError('SESSIONLOG_POLICY_VIOLATED', message)
}
