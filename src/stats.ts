import type { Histogram, LastCompaction } from './metrics.ts'

export type StoreStatus = 'open' | 'failed' | 'closing' | 'closed'

/** What the owner of a log has done since it opened it. */
export interface LogStats {
  readonly commits: number
  readonly events: number
  /** Of the events that were written. */
  readonly bytes: number
  /** How long commits took to write, ms. */
  readonly commitMs: Histogram
  /** How many events they had. */
  readonly commitEvents: Histogram
  /** What LevelDB's files take now; undefined for a store in a database. */
  readonly logBytes: number | undefined
  /** How many other processes follow. */
  readonly followers: number
  /** The last one since the owner opened the log. */
  readonly lastCompaction: LastCompaction | undefined
}

/** How a store is doing. */
export interface StoreStats {
  readonly origin: string
  readonly role: 'owner' | 'follower'
  readonly status: StoreStatus
  readonly position: number
  /** What waits for the disk, or for the owner: transactions, and their bytes in memory, about. */
  readonly queue: { readonly transactions: number; readonly bytes: number; readonly bytesMax: number }
  /** Sessions in memory; those of them that have a state; states that were read and are objects by now. */
  readonly cache: { readonly sessions: number; readonly states: number; readonly decoded: number }
  readonly log: LogStats
}

/** Whether a store does what it should. */
export interface Health {
  /** `degraded`: it works, and somebody should look. */
  readonly status: 'open' | 'degraded' | 'failed' | 'closed'
  /** Why it is not `open`. */
  readonly reasons: readonly string[]
}
