import { HELD, PRUNED, RELEASED } from '../event.ts'
import { NO_HASH } from './chain.ts'

/** Consecutive records of one session, in a file of the archive. */
export interface ArchivedBlock {
  readonly sessionId: string
  readonly firstVersion: number
  readonly lastVersion: number
  /** When the first of the events was recorded, ms since the epoch. */
  readonly recordedAt: number
  /** Which of the archive's files, and where in it the block's frame is. */
  readonly file: number
  readonly offset: number
  readonly length: number
}

/** Consecutive events of one session that were pruned: enough to prove the others. */
export interface PrunedRun {
  readonly sessionId: string
  readonly firstVersion: number
  readonly events: readonly PrunedEvent[]
}

export interface PrunedEvent {
  readonly position: number
  readonly recordedAt: number
  readonly hash: string
}

/** How much of a session's log there is. */
export interface Retention {
  readonly sessionId: string
  /** The version whose event holds the state that all that is told goes on from; 0 where nothing was pruned. */
  readonly cut: number
  /** The hash of the event before that one. */
  readonly cutHash: string
  /** Whether a legal hold forbids to prune any of it. */
  readonly held: boolean
}

/** Events may be destroyed that are older, and not among the last: where both are given, both must hold. */
export interface PrunePolicy {
  /** ms. */
  readonly olderThan?: number
  /** Of each session. */
  readonly keepLast?: number
}

/** Of an event. */
interface Facts {
  readonly type?: string | undefined
  readonly data?: unknown
  readonly importedFrom?: unknown
}

export type Retained = Omit<Retention, 'sessionId'>

/** How much there is of a session that has never been pruned, nor held. */
export const WHOLE: Retained = Object.freeze({ cut: 0, cutHash: NO_HASH, held: false })

/** What a `$pruned` event says. */
export interface PrunedData {
  /** The versions that are not there any more. */
  readonly from: number
  readonly to: number
  /** The hash of the last of them, hexadecimal. */
  readonly hash: string
  readonly policy: PrunePolicy
}

/** What an event of the store's own makes of it; undefined where it is none of those. One that was imported is elsewhere's. */
export function retentionAfter(before: Retained, { type, data, importedFrom }: Facts): Retained | undefined {
  if (type === undefined || importedFrom !== undefined) return undefined
  if (type === HELD || type === RELEASED) return { ...before, held: type === HELD }
  if (type !== PRUNED) return undefined
  const { to, hash } = data as PrunedData
  return { ...before, cut: to + 1, cutHash: hash }
}
