import type { Answer } from './duplicates.ts'
import type { Recipe } from './edit.ts'
import type { ExpectedVersion, ImportedFrom, WriteOptions } from './event.ts'
import type { Append } from './log/commit.ts'
import type { Changes } from './state/changes.ts'

/** What is to become of a session. */
export type Intent =
  /** `asRecorded`: the schema is asked, but what it makes of the state isn't taken. `checked`: it was asked elsewhere. */
  | { readonly kind: 'save'; readonly state: unknown; readonly asRecorded?: true; readonly checked?: true }
  | { readonly kind: 'edit'; readonly recipe: Recipe }
  | { readonly kind: 'delete' }
  /** What another process made of a version: refused with {@link Behind} on any other. */
  | { readonly kind: 'changes'; readonly changes: Changes; readonly base: number }

/** What is said of an event, also by the store itself. */
export interface RecordOptions extends WriteOptions {
  importedFrom?: ImportedFrom
}

/** What was wanted of an event, so that it can be made again where another process was first. */
export interface Wish {
  readonly intent: Intent
  readonly expectedVersion: ExpectedVersion | undefined
  /** The state that it was made on. */
  readonly base: unknown
}

/** Changes made on another version than the last. Not for callers: their process makes them again. */
export class Behind extends Error {
  override readonly name = 'Behind'

  constructor() {
    super('Another process was first')
  }
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
