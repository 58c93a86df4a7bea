import type { Diagnostics } from './diagnostics.ts'
import { Duplicates } from './duplicates.ts'
import type { Durability } from './event.ts'
import { Expiries } from './expiries.ts'
import type { CommitRecord, EventLog, LogView, StoreRecord } from './log/port.ts'
import { LogReader } from './log/reader.ts'
import type { LogWriter } from './log/writer.ts'
import type { Settings } from './options.ts'
import { Cache } from './projection/cache.ts'
import { Commits } from './projection/commits.ts'
import type { OnThrow } from './projection/guarded.ts'
import { Past } from './projection/past.ts'
import { Session } from './projection/session.ts'
import { Upcast } from './projection/upcast.ts'
import { Prover } from './prover.ts'
import { receiptOf } from './receipt.ts'
import { Recorder } from './recorder.ts'
import type { Role } from './role.ts'
import { excuse } from './settle.ts'

/** What of a log is read by whoever asks about the past: this process's own, or the owner's. */
export interface PastLog extends Pick<EventLog, 'read' | 'commits' | 'forks' | 'findEventId'> {
  lastCommit(): Promise<CommitRecord | undefined>
  view(): LogView | Promise<LogView>
}

/** What a store is made from. */
export interface Basis<State> {
  readonly settings: Settings<State>
  readonly record: StoreRecord
  readonly log: PastLog
  /** What a receipt vouches for. */
  readonly durability: () => Durability
  readonly sessions: Map<string, Session>
  /** Of the last event, ms since the epoch. */
  readonly recordedAt: number
  /** Makes what the store writes through. */
  readonly writer: (feed: Feed) => LogWriter
  /** What this process is to the log; asked again each time, for a follower may become the owner. */
  readonly role: () => Role
}

/** What is to be told of what happens to the log. */
export interface Feed {
  readonly cache: Cache
  readonly commits: Commits
  /** See {@link Recorder.remake}. */
  readonly remake: Recorder<never>['remake']
}

/** What a store is made of. */
export type StoreParts<State> = ReturnType<typeof assemble<State>>

/** Puts a store's parts together: one writer, one cache, and what connects them. */
export function assemble<State>({
  settings,
  record,
  log,
  durability,
  sessions,
  recordedAt,
  writer: makeWriter,
  role,
}: Basis<State>) {
  const { logger } = settings
  const { schemaVersion, requireActor, requireReason, origin } = record
  const onThrow: OnThrow = err => logger.error({ err }, 'A subscriber threw')
  const reader = new LogReader(log, id => sessions.get(id)?.retained.cut ?? 0)
  const upcast = new Upcast(schemaVersion, settings.upcast as never)
  const cache = new Cache(sessions, upcast, onThrow)
  const commits = new Commits(onThrow)
  const writer = makeWriter({
    cache,
    commits,
    remake: (append, expects) => recorder.remake(append, expects),
  })
  const duplicates = new Duplicates(log, reader, upcast, durability)
  const readReceipt = async (session: Session, version: number) => {
    if (session.acknowledged.version < version) {
      await writer.settled()
      if (writer.failure !== undefined) throw writer.failure
    }
    const last = version === 0 ? new Session(session.id).acknowledged : session.acknowledged
    const events = last.version === version ? [last] : await reader.record(session.id, version)
    return receiptOf(events[version - events[0]!.version]!, durability(), { unchanged: true })
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
    follows: () => role().follows,
  })
  const expiries = new Expiries(cache, writer, recorder as Recorder<never>, role)
  const past = new Past({ forks: log, reader, writer, commits, upcast, onThrow })
  const prover = new Prover({ log, reader, writer, past, origin, signingKey: settings.signingKey })
  return {
    settings,
    record,
    log,
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
    role,
    endFollowing: () => {
      commits.complete()
      cache.endWatches()
    },
  }
}

/** What is told of a store that has been opened. */
export function openingOf<State>(
  { settings, origin, role, cache, writer }: StoreParts<State>,
  { tookOver, startMs }: { tookOver: boolean; startMs: number },
): Diagnostics['sessionlog:open'] {
  return {
    origin,
    dir: settings.dir,
    role: role().follows ? 'follower' : 'owner',
    tookOver,
    sessions: cache.sessions.size,
    position: writer.position,
    durationMs: performance.now() - startMs,
  }
}
