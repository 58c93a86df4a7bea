import type { Durability } from '../event.ts'
import type { ArchivedBlock, PrunedRun, PrunePolicy, Retention } from './retention.ts'

/** What can be read of a log: all at one moment, or each part as it is when it is read. */
export interface LogReads {
  /** The tree as it was when records were last sealed: every event after it is in the tail. */
  readFrontier(): Promise<Frontier | undefined>

  /** Commits whose last position is greater than `after`, in order. */
  commits(after: number, signal?: AbortSignal): AsyncIterable<readonly CommitRecord[]>

  /** Every base, by session. */
  bases(): AsyncIterable<readonly StoredBase[]>

  /** Every expiry that a touch has moved. */
  expiries(): AsyncIterable<readonly Expiry[]>

  /** Every sealed record, those of the archive included, by session and version. */
  sealed(signal?: AbortSignal): AsyncIterable<readonly LogRecord[]>

  /** Every record that is not sealed yet, by position. */
  tail(signal?: AbortSignal): AsyncIterable<readonly LogRecord[]>

  /** What is left of pruned events, by session and version. */
  pruned(signal?: AbortSignal): AsyncIterable<readonly PrunedRun[]>

  /** Of every session that was pruned, or is or was held. */
  retentions(): AsyncIterable<readonly Retention[]>
}

/** What can be read of a log as it was at one moment, until it is let go of. */
export interface LogView extends LogReads {
  close(): Promise<void>
}

/**
 * Where a store keeps its log. LevelDB is the first implementation; nothing above this port knows it.
 * The log keeps bytes and their places: what the bytes say is checked above it, on the way in.
 *
 * REQUIRES: one writer. `write` is never called while another call of it is under way.
 */
export interface EventLog extends LogReads {
  /** What an acknowledged, synced `write` guarantees. */
  readonly durability: Durability

  /**
   * Applies all operations or none. With `sync`, this write and all before it are then as durable as this log
   * can make them. It rejects where the outcome is unknown: then nothing may follow.
   * The bytes of records are only there until the call returns: what it keeps longer it must copy.
   */
  write(operations: readonly LogOperation[], sync: boolean): Promise<void>

  /** The store's own record, or undefined in a log that is new. */
  readStore(): Promise<StoreRecord | undefined>

  /** The newest commit. */
  lastCommit(): Promise<CommitRecord | undefined>

  /** The log as it is now, whatever is written meanwhile. */
  view(): LogView

  /** Every record that is not sealed yet, by position. REQUIRES of open: it is read through before `read`. */
  tail(signal?: AbortSignal): AsyncIterable<readonly LogRecord[]>

  /** The sessions that have records in the tail, each with the version that the first of them begins with. */
  unsealed(): [sessionId: string, firstVersion: number][]

  /** The records of one session that hold versions `from` to `to`, in order or in reverse; the first may begin before `from`. */
  read(sessionId: string, range: VersionRange): AsyncIterable<readonly LogRecord[]>

  /** The version of the session's event with that id. Synchronous, because `save` decides in the same tick. */
  findEventId(sessionId: string, eventId: string): number | undefined

  /** Every event id; of one that cannot be read the version is `NaN`. */
  eventIds(): AsyncIterable<readonly EventId[]>

  /** The sessions that were forked from one, in the order of their ids; without one, every fork. */
  forks(sessionId?: string): AsyncIterable<readonly Fork[]>

  /** Sealed records that are not in the archive, by session and version. */
  unarchived(signal?: AbortSignal): AsyncIterable<readonly LogRecord[]>

  /** Where the archive has what, by session and version. */
  archived(): AsyncIterable<readonly ArchivedBlock[]>

  /** Keys in the log that are none of those above. */
  strays(): AsyncIterable<readonly string[]>

  /** Gives back what deleted records took on the disk. */
  reclaim(of: 'tail' | 'sealed'): Promise<void>

  close(): Promise<void>
}

export interface VersionRange {
  readonly from: number
  readonly to: number
  readonly reverse?: boolean
  readonly signal?: AbortSignal | undefined
}

/** Consecutive events of one session, as `record.ts` frames them. */
export interface LogRecord {
  readonly sessionId: string
  readonly firstVersion: number
  /** Of a record of the tail. */
  readonly firstPosition?: number
  readonly bytes: Uint8Array
  /** In a bundle, of an event that is not shown as it was: the hash that the log has of it. */
  readonly loggedHash?: string
  /** Of a record that lies in the archive. */
  readonly isArchived?: true
  /** Why its bytes can't be had. */
  readonly fault?: Error
}

export interface StoredBase {
  readonly sessionId: string
  readonly bytes: Uint8Array
}

export interface Expiry {
  readonly sessionId: string
  /** ms since the epoch; `Infinity` is never. */
  readonly expiresAt: number
  /** The session's version at the touch: an expiry set by a later event wins. */
  readonly version: number
}

/** By what an event is found that has an id. */
export interface EventId {
  readonly sessionId: string
  readonly eventId: string
  readonly version: number
}

/** A session that began as a copy of another one's version. */
export interface Fork {
  readonly sessionId: string
  readonly version: number
  readonly child: string
}

/** One atomic write of events: which, in position order by session, and the tree's root after them. */
export interface CommitRecord {
  readonly firstPosition: number
  readonly lastPosition: number
  readonly recordedAt: number
  readonly root: string
  readonly runs: readonly Run[]
  /** Which of the events came from other processes. */
  readonly forwarded: readonly Forwarded[]
}

/** Events that a follower sent, of one after the other: so that it can tell, after a change of owner, which arrived. */
export interface Forwarded {
  /** The follower's random id. */
  readonly producer: string
  /** Of the first of them: followers count what they send. */
  readonly sequence: number
  /** Of the first of them. */
  readonly position: number
  readonly count: number
}

/** Events of one session within a commit. */
export interface Run {
  readonly sessionId: string
  readonly firstVersion: number
  readonly count: number
}

/** The tree's peaks at a position: enough to go on from. */
export interface Frontier {
  readonly position: number
  readonly peaks: readonly string[]
}

/** What a store knows of itself, and holds every process to that opens it. */
export interface StoreRecord {
  readonly format: number
  /** A random id: versions and positions mean something only together with it. */
  readonly origin: string
  readonly createdAt: number
  readonly schemaVersion: number
  readonly requireActor: boolean
  readonly requireReason: boolean
  /** What may be pruned; nothing where it is left out. */
  readonly prune?: PrunePolicy
  /** Of a store that was made from a backup: the store that the backup was of, and up to where it goes. */
  readonly restoredFrom?: { readonly origin: string; readonly position: number }
}

export type LogOperation =
  | ({ readonly op: 'record' } & LogRecord & { readonly firstPosition: number })
  | { readonly op: 'commit'; readonly commit: CommitRecord }
  | ({ readonly op: 'eventId' } & EventId)
  /** Takes a session's records up to a version out of the tail and puts their events, repacked, among the sealed. */
  | {
      readonly op: 'seal'
      readonly sessionId: string
      readonly lastVersion: number
      readonly segments: readonly LogRecord[]
    }
  | ({ readonly op: 'base' } & StoredBase)
  | ({ readonly op: 'expiry' } & Expiry)
  | ({ readonly op: 'fork' } & Fork)
  /** Puts a block in the place of sealed records, or of a block that began with the same version. */
  | { readonly op: 'archive'; readonly block: ArchivedBlock; readonly sealed: readonly number[] }
  /** Takes blocks of a session out of the archive, by their first versions, and the events' ids with them. */
  | {
      readonly op: 'prune'
      readonly sessionId: string
      readonly runs: readonly PrunedRun[]
      readonly blocks: readonly number[]
      readonly eventIds: readonly string[]
    }
  | ({ readonly op: 'retention' } & Retention)
  | { readonly op: 'frontier'; readonly frontier: Frontier }
  | { readonly op: 'store'; readonly record: StoreRecord }
