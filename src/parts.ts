import { Duplicates } from './duplicates.ts'
import { Expiries } from './expiries.ts'
import type { Directory } from './identity.ts'
import type { FoundLog } from './log/found-log.ts'
import type { EventLog, StoreRecord } from './log/port.ts'
import { LogReader } from './log/reader.ts'
import { Writer } from './log/writer.ts'
import type { Settings } from './options.ts'
import { Cache } from './projection/cache.ts'
import { Commits } from './projection/commits.ts'
import type { OnThrow } from './projection/guarded.ts'
import { Past } from './projection/past.ts'
import type { Rebuilt } from './projection/rebuild.ts'
import { Session } from './projection/session.ts'
import { Upcast } from './projection/upcast.ts'
import { Prover } from './prover.ts'
import { receiptOf } from './receipt.ts'
import { Recorder } from './recorder.ts'
import { excuse } from './settle.ts'
import { Compactor } from './snapshot/compactor.ts'
import type { SnapshotFolder } from './snapshot/snapshot-folder.ts'
import { WITNESS_FORMAT, writeWitness } from './snapshot/witness.ts'
import { type VerifyOptions, verify } from './verify.ts'

/** What a store stands on. */
export interface Place {
  readonly log: EventLog
  readonly directory: Directory | undefined
  /** LevelDB's files as they were before it opened them. */
  readonly found?: FoundLog
  /** Lets go of the place, because of a refusal or at the end. */
  readonly release: (refusal?: unknown) => Promise<void>
}

/** What a store is made of. */
export type StoreParts<State> = ReturnType<typeof assemble<State>>

/** Puts a store's parts together: one writer, one cache, and what connects them. */
export function assemble<State>(
  place: Place,
  settings: Settings<State>,
  record: StoreRecord,
  { sessions, tree, recordedAt }: Rebuilt,
  snapshots: SnapshotFolder | undefined,
) {
  const { log, directory } = place
  const { logger } = settings
  const { schemaVersion, requireActor, requireReason, origin } = record
  const onThrow: OnThrow = err => logger.error({ err }, 'A subscriber threw')
  const durability =
    settings.durability === 'sync' || log.durability === 'memory' ? log.durability : 'buffered'
  const reader = new LogReader(log)
  const upcast = new Upcast(schemaVersion, settings.upcast as never)
  const cache = new Cache(sessions, upcast, onThrow)
  const commits = new Commits(onThrow)
  const writer = new Writer(log, tree, {
    sync: settings.durability === 'sync',
    syncIntervalMs: settings.syncIntervalMs,
    onCommit(appends) {
      for (const append of appends) if (!append.superseded) (append.head as Session).acknowledge(append)
      commits.next(appends)
    },
    onFailure(err) {
      cache.rollBack()
      commits.error(err)
      logger.error({ err }, err.message)
    },
  })
  const duplicates = new Duplicates(log, reader, upcast, durability)
  const readReceipt = async (session: Session, version: number) => {
    if (session.acknowledged.version < version) {
      await writer.settled()
      if (writer.failure !== undefined) throw writer.failure
    }
    const last = version === 0 ? new Session(session.id).acknowledged : session.acknowledged
    const events = last.version === version ? [last] : await reader.record(session.id, version)
    return receiptOf(events[version - events[0]!.version]!, durability, { unchanged: true })
  }
  const receiptAt = (session: Session, version: number) => excuse(readReceipt(session, version))
  const recorder = new Recorder<State>({
    settings,
    cache,
    writer,
    duplicates,
    schemaVersion,
    requireActor,
    requireReason,
    recordedAt,
    touch: (session, expiresAt) => expiries.touch(session, expiresAt),
    planExpiry: expiresAt => expiries.plan(expiresAt),
    receiptAt,
  })
  const expiries = new Expiries(cache, writer, recorder as Recorder<never>)
  const note = async (position: number, root: string) => {
    if (directory === undefined || snapshots === undefined) return
    const recordedAt = recorder.now()
    const witness = {
      format: WITNESS_FORMAT,
      origin,
      position,
      root,
      snapshots: snapshots.completeTo,
      recordedAt,
    }
    await writeWitness(directory.path, witness)
  }
  const compactor = new Compactor({ log, reader, writer, sessions, snapshots }, settings.compactEvery, {
    onDone: ({ position, root }) => note(position, root),
    async onEnd({ position, root }) {
      await settings.onCheckpoint?.(prover.sign(position, root))
    },
    onFailure: err => logger.error({ err }, 'Compaction failed'),
  })
  const release = async () => {
    try {
      if (writer.failure === undefined) await note(tree.size, tree.root())
    } finally {
      await place.release()
    }
  }
  const flush = async () => {
    // Both in one tick: whatever comes later, such as the end of the store, comes after both.
    await Promise.all([expiries.flush(), writer.write(() => [], true)])
  }
  const parts = { log, reader, writer, cache, snapshots, directory, origin }
  const past = new Past({ forks: log, reader, writer, commits, upcast, onThrow })
  const { signingKey } = settings
  const prover = new Prover({ log, reader, writer, past, compactor, origin, signingKey })
  const verifyAlone = (options: VerifyOptions) =>
    compactor.alone(async signal => {
      await writer.settled()
      return verify(parts, { ...options, signal })
    }, options.signal)
  return {
    origin,
    schemaVersion,
    durability,
    reader,
    writer,
    upcast,
    cache,
    commits,
    past,
    prover,
    recorder,
    receiptAt,
    duplicates,
    expiries,
    compactor,
    flush,
    verify: verifyAlone,
    release,
    endFollowing: () => {
      commits.complete()
      cache.endWatches()
    },
  }
}
