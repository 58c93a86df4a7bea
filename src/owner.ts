import { publish } from './diagnostics.ts'
import type { Host } from './host.ts'
import type { Directory } from './identity.ts'
import { Intake } from './intake.ts'
import type { MerkleTree } from './log/chain.ts'
import type { Append } from './log/commit.ts'
import { FORMAT } from './log/format.ts'
import type { EventLog, Expiry, LogOperation } from './log/port.ts'
import { Writer } from './log/writer.ts'
import type { Metrics } from './metrics.ts'
import type { Settings } from './options.ts'
import { type OwnerParts, OwnerWork } from './owner-work.ts'
import type { Feed } from './parts.ts'
import type { Session } from './projection/session.ts'
import { receiptOf } from './receipt.ts'
import type { Recorder } from './recorder.ts'
import type { Role } from './role.ts'
import { excuse } from './settle.ts'
import { writeWitness } from './snapshot/witness.ts'

export interface WriterParts<State> {
  readonly settings: Settings<State>
  readonly origin: string
  readonly log: EventLog
  readonly tree: MerkleTree
  readonly host: Host | undefined
  readonly metrics: Metrics
}

/** The writer of a log that this process owns: it tells the cache, those who follow, and those who count. */
export function writerOf<State>(
  { settings, origin, log, tree, host, metrics }: WriterParts<State>,
  { cache, commits }: Pick<Feed, 'cache' | 'commits'>,
): Writer {
  const { dir } = settings
  return new Writer(log, tree, {
    sync: settings.durability === 'sync',
    syncIntervalMs: settings.syncIntervalMs,
    onCommit(appends, operations, durationMs) {
      for (const append of appends) if (!append.superseded) (append.head as Session).acknowledge(append)
      host?.publish(operations)
      const bytes = bytesOf(operations)
      metrics.committed(appends.length, bytes, durationMs)
      publish('sessionlog:commit', () => ({
        origin,
        dir,
        position: appends.at(-1)!.position,
        events: appends.length,
        forwarded: appends.filter(({ sent }) => sent !== undefined).length,
        sessions: operations.filter(({ op }) => op === 'record').length,
        bytes,
        durationMs,
      }))
      commits.next(appends)
    },
    onFailure(error) {
      cache.rollBack()
      host?.failed(error)
      commits.error(error)
      settings.logger.error({ err: error }, error.message)
      publish('sessionlog:failure', () => ({ origin, dir, error }))
    },
  })
}

function bytesOf(operations: readonly LogOperation[]): number {
  let bytes = 0
  for (const operation of operations) if (operation.op === 'record') bytes += operation.bytes.length
  return bytes
}

/** The process that has the log: it compacts, verifies, and does what followers ask for. */
export class Owner<State> implements Role {
  readonly follows = false
  readonly #parts: OwnerParts<State>
  readonly work: OwnerWork<State>

  constructor(parts: OwnerParts<State>) {
    this.#parts = parts
    this.work = new OwnerWork(parts, (position, root) => this.#note(position, root))
    parts.place.host?.open(this.#hosting())
  }

  async catchUp(): Promise<void> {}

  async hear(): Promise<void> {}

  complaints(): string[] {
    const { error, problems = 0 } = this.#parts.metrics.lastCompaction ?? {}
    if (error !== undefined) return [`The last compaction failed: ${error}`]
    return problems > 0 ? [`The last compaction left ${problems} sessions as they were`] : []
  }

  async flush(): Promise<void> {
    const { store, writer } = this.#parts
    // Both in one tick: whatever comes later, such as the end of the store, comes after both.
    await Promise.all([store.expiries.flush(), writer.write(() => [], true)])
  }

  /** Followers must have heard of the version first. */
  tellTouch({ sessionId, expiresAt, version }: Expiry): void {
    const { place, writer, store } = this.#parts
    void writer.settled().then(() => {
      place.host?.touched(sessionId, expiresAt, version)
      // They have heard of later events as well by now, one of which may have moved it again.
      const session = store.cache.sessions.get(sessionId)
      if (session === undefined || session.version === version) return
      const now = session.acknowledged
      if (now.version !== version && now.state !== undefined)
        place.host?.touched(sessionId, now.expiresAt, now.version)
    })
  }

  writeTouches(touched: readonly Expiry[]): Promise<void> {
    return this.#parts.writer.write(() => touched.map(each => ({ op: 'expiry' as const, ...each })))
  }

  async close(): Promise<void> {
    const { store, writer, place, tree } = this.#parts
    const { durability, expiries } = store
    place.host?.silence()
    try {
      await this.work.stop()
      await (durability() === 'buffered' ? this.flush() : expiries.flush()).catch(() => {})
      expiries.stop()
      await writer.end()
      if (writer.failure === undefined) await this.#note(tree.size, tree.root())
    } finally {
      await place.release()
    }
  }

  #hosting() {
    const { settings, place, record, writer, store } = this.#parts
    const { cache, expiries } = store
    const recorder = store.recorder as Recorder<never>
    const find = (id: string) => {
      const session = cache.sessions.get(id)
      if (session !== undefined) expiries.end(session)
      return session
    }
    const note = (append: Append, written: Promise<void>) =>
      store.duplicates.note(append, excuse(written.then(() => receiptOf(append, store.durability()))))
    const touch = (sessionId: string, expiresAt: number) => {
      const session = find(sessionId)
      if (session?.exists) expiries.touch(session, expiresAt)
      // Of nothing any more: who touched it is told so, and need not say it again.
      else this.tellTouch({ sessionId, expiresAt, version: Number.MAX_SAFE_INTEGER })
    }
    const intake = { recorder, writer, pendingBytesMax: settings.pendingBytesMax, find, touch, note }
    return {
      record,
      durability: store.durability(),
      log: place.log,
      recorder,
      settled: () => writer.settled(),
      between: (call: (position: number) => void) =>
        writer.write(tree => {
          call(tree.size)
          return []
        }),
      expiries: () => cache.recordedExpiries(),
      intake: (producer: string, channel: ConstructorParameters<typeof Intake>[2]) =>
        new Intake(intake, producer, channel),
      flush: () => this.flush(),
      work: this.work,
    }
  }

  /** Leaves word, outside the log, of how far it went. */
  async #note(position: number, root: string): Promise<void> {
    const { place, record, snapshots, store } = this.#parts
    if (place.directory === undefined || snapshots === undefined) return
    const recordedAt = store.recorder.now()
    const { origin } = record
    const witness = {
      format: FORMAT,
      origin,
      position,
      root,
      snapshots: snapshots.completeTo,
      recordedAt,
    }
    await writeWitness((place.directory as Directory).path, witness)
  }
}
