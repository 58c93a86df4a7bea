import type { RecordedEvent } from '../event.ts'
import type { Changes } from '../state/changes.ts'
import { handOut } from '../state/exotic.ts'
import { isolate } from '../state/isolate.ts'
import { changesBetween } from '../state/reconcile.ts'
import type { Immutable } from '../state/values.ts'
import type { ReplayStep } from './replay.ts'

/** The state after an event, by today's rules: from the state before and the event's `type` and `data`. */
export type Reducer<State> = (
  state: Immutable<State> | undefined,
  event: RecordedEvent,
) => State | Immutable<State> | undefined

export interface CheckOptions {
  /** The last version to check. Default: the session's version. */
  until?: number
  /** Ends the check with its reason. */
  signal?: AbortSignal
}

/** Where a reducer first makes another state than the one that was recorded. */
export interface Divergence<State> {
  readonly version: number
  readonly event: RecordedEvent
  /** As it was recorded; undefined after a delete. */
  readonly expected: Immutable<State> | undefined
  /** As the reducer makes it; undefined also where it threw. */
  readonly actual: unknown
  /** What makes the actual state out of the expected one. */
  readonly diff: Changes
  /** What the reducer threw, or why its answer is no state. */
  readonly error?: unknown
}

export interface ReplayCheck<State> {
  readonly ok: boolean
  /** How many events the reducer was run on. */
  readonly checked: number
  /** How many were the store's own, `$…`: no reducer has made them. */
  readonly skipped: number
  readonly divergence?: Divergence<State>
}

/** Runs a reducer over recorded events until it makes another state. */
export async function checkSteps<State>(
  steps: AsyncIterable<ReplayStep<State>>,
  reducer: Reducer<State>,
): Promise<ReplayCheck<State>> {
  let checked = 0
  let skipped = 0
  for await (const step of steps) {
    if (step.event.type.startsWith('$')) {
      skipped++
      continue
    }
    checked++
    const divergence = divergenceAt(step, reducer)
    if (divergence !== undefined) return { ok: false, checked, skipped, divergence }
  }
  return { ok: true, checked, skipped }
}

function divergenceAt<State>(
  { event, before, after: expected }: ReplayStep<State>,
  reducer: Reducer<State>,
): Divergence<State> | undefined {
  const { version } = event
  let actual: unknown
  try {
    // A state of its own, so that nothing that the reducer does reaches the expected one.
    const answer = reducer(before, event)
    actual = answer === undefined ? undefined : isolate(undefined, answer)
  } catch (error) {
    return { version, event, expected, actual: undefined, diff: [], error }
  }
  const diff = changesBetween(expected, actual)
  return diff.length === 0 ? undefined : { version, event, expected, actual: handOut(actual), diff }
}
