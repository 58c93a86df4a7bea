import type { Conflict } from './finds.ts'
import type { Damage } from './level-files.ts'
import type { SessionLoss } from './losses.ts'
import type { Range } from './trusted-log.ts'

/** What was saved, and what was not. */
export interface SalvageReport {
  /** True where nothing is lost. */
  readonly ok: boolean
  /** Of the new store. */
  readonly origin: string
  /** Of the old one; undefined where nothing says it. */
  readonly from: string | undefined
  /** How many events the new store has. */
  readonly position: number
  readonly root: string
  readonly sessions: number
  /** The first of them are as they were: versions, positions, hashes and commits. */
  readonly kept: number
  /** Commits of these that were lost, and made again. */
  readonly commitsMade: number
  /** Those behind are new events, each of which names the one that it came from in `importedFrom`. */
  readonly remade: number
  /** Of these, states whose events are lost: they are of type `$imported`, and their `data` has the source. */
  readonly states: number
  /** Events that were found and that no commit has. */
  readonly uncommitted: number
  /** New events that each source brought. */
  readonly sources: readonly { readonly name: string; readonly events: number }[]
  /** Sessions of which something is lost. */
  readonly losses: readonly SessionLoss[]
  /** Positions of which no event was found, whatever session they were of. */
  readonly missing: readonly Range[]
  /** Events in whose place another source has another one. */
  readonly conflicts: readonly Conflict[]
  /** What could not be read, the first thousand. Something else may have had what was in it. */
  readonly damages: readonly Damage[]
  /** Snapshots that cannot be read and whose sessions are not known, and snapshots of other stores: not in the new store. */
  readonly leftOut: readonly string[]
}

/** What to make a new store of, and where. */
export interface SalvageOptions {
  /** The directory of the store that is damaged. It is only read. */
  from: string
  /** An empty directory, or one that isn't there yet. */
  dir: string
  /** A directory with a backup of the store. */
  backup?: string
  /** Ends it with its reason; nothing is left of it. */
  signal?: AbortSignal
  /** Told now and then how many events were written as they were, of how many. */
  onProgress?: (progress: { readonly written: number; readonly of: number }) => void
}
