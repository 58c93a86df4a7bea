import type { SessionlogErrorCode } from '../errors.ts'
import type { DiskUse } from '../snapshot/disk-use.ts'
import type { Witness } from '../snapshot/witness.ts'
import type { OwnerState } from './owner-state.ts'

/** What to look at, and how closely. */
export interface ExamineOptions {
  /** The directory of the store. It is only read. */
  dir: string
  /** Verifies everything as well, on a copy. Default: false. */
  deep?: boolean
  /** Ends it with its reason. */
  signal?: AbortSignal
  /** Told now and then how many events were verified, of how many. */
  onProgress?: (progress: { readonly events: number; readonly of: number }) => void
}

/** `note` is nothing that is wrong. */
export type Severity = 'ok' | 'note' | 'problem'

/** One thing that was found. */
export interface Finding {
  readonly severity: Severity
  readonly about:
    | 'directory'
    | 'owner'
    | 'format'
    | 'log'
    | 'head'
    | 'compaction'
    | 'snapshots'
    | 'leftovers'
    | 'events'
  /** Of a problem: the error that it leads to. */
  readonly code?: SessionlogErrorCode
  readonly message: string
  /** What to do about it. */
  readonly remedy?: string
  /** The first of the files concerned. */
  readonly paths?: readonly string[]
}

/** What state a directory is in. */
export interface Examination {
  readonly dir: string
  /** False where nothing of a store is there. */
  readonly isStore: boolean
  /** True where it is a store and no finding is a problem. */
  readonly ok: boolean
  /** What its parts take on the disk. */
  readonly sizes: {
    readonly log: DiskUse
    readonly snapshots: DiskUse
    readonly archive: DiskUse
  }
  /** The numbers of those that this version knows; undefined where there is none, or it can't be read. */
  readonly formats: {
    readonly log: number | undefined
    readonly head: number | undefined
    readonly snapshots: number | undefined
  }
  readonly owner: OwnerState | undefined
  readonly origin: string | undefined
  /** The end of the chain: how many events the log has, and their root. */
  readonly head: { readonly position: number; readonly root: string; readonly recordedAt: number } | undefined
  readonly sessions: number | undefined
  /** What the last clean close or compaction noted. */
  readonly witness: Witness | undefined
  /** The worst first. */
  readonly findings: readonly Finding[]
}
