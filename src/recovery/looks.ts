import type { Witness } from '../snapshot/witness.ts'
import type { FoundSnapshots } from './found-snapshots.ts'
import type { Damage } from './level-files.ts'
import type { OwnerState } from './owner-state.ts'
import type { SeenLog } from './seen-log.ts'

/** What was looked at, for those who judge it. */
export interface Looks {
  readonly dir: string
  readonly owner: OwnerState | undefined
  readonly hasLog: boolean
  readonly witness: Witness | undefined
  /** Why there is no witness that could be read. */
  readonly witnessError: unknown
  readonly snapshots: FoundSnapshots
  /** Of LevelDB's files. */
  readonly damages: readonly Damage[]
  /** Whether nobody but the process that holds the store may read them, as on Windows. */
  readonly isShut: boolean
  readonly log: SeenLog | undefined
  /** Why the log could not be opened. */
  readonly refusal: unknown
}
