import type { Finds } from './finds.ts'
import type { OnFileDamage } from './level-files.ts'

/** What may hold events of a store. Whoever keeps them in another place is one more of these. */
export interface Source {
  /** For the report. */
  readonly name: string

  /** Tells all that can be believed, in any order. What can't be read is told, and is no reason to stop. */
  read(finds: Finds, onDamage: OnFileDamage, signal?: AbortSignal): Promise<void>
}

/** How often a source looks whether it is to end, in entries. */
export const LOOK_EVERY = 256
