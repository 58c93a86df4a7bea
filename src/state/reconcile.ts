import type { Changes } from './changes.ts'
import { diff } from './diff.ts'
import { Edits } from './edits.ts'
import { isolate } from './isolate.ts'
import { sizeOfChanges } from './size.ts'

export interface Reconciled {
  /** Deeply frozen, nothing of the caller's in it, sharing with the previous state whatever did not change. */
  readonly state: unknown
  readonly changes: Changes
  /** Roughly the bytes that the changes take. */
  readonly size: number
}

const UNCHANGED: Changes = Object.freeze([])

/** Takes over a caller's value as the state after `previous` (`undefined` where there is none). */
export function reconcile(previous: unknown, next: unknown): Reconciled {
  const edits = new Edits()
  const state = isolate(previous, next, edits)
  if (Object.is(state, previous)) return { state, changes: UNCHANGED, size: 0 }
  const changes = diff(previous, state, edits)
  return { state, changes, size: sizeOfChanges(changes) }
}

/** What makes one state out of another; `undefined` where there is none. */
export function changesBetween(before: unknown, after: unknown): Changes {
  if (after !== undefined) return reconcile(before, after).changes
  return before === undefined ? UNCHANGED : DELETION
}

/** What a delete does. */
export const DELETION: Changes = Object.freeze([Object.freeze({ op: 'remove', path: '' } as const)])
