import type { Answer } from './duplicates.ts'
import type { Recipe } from './edit.ts'
import type { ImportedFrom, WriteOptions } from './event.ts'
import type { Append } from './log/commit.ts'

/** What is to become of a session. */
export type Intent =
  /** `asRecorded`: the schema is asked, but what it makes of the state isn't taken. */
  | { readonly kind: 'save'; readonly state: unknown; readonly asRecorded?: true }
  | { readonly kind: 'edit'; readonly recipe: Recipe }
  | { readonly kind: 'delete' }

/** What is said of an event, also by the store itself. */
export interface RecordOptions extends WriteOptions {
  importedFrom?: ImportedFrom
}

/** An event ready to be written, or the answer that makes one needless. */
export type Prepared =
  | { readonly append: Append; readonly bytes: number }
  | { readonly answer: Answer }
  | undefined

/** Of a session, what the next event is decided on: the session itself, or what a batch has made of it so far. */
export interface Standing {
  readonly version: number
  readonly exists: boolean
  readonly state: unknown
  readonly schemaVersion: number
}
