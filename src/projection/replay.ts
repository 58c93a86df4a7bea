import { asyncScheduler, from, NEVER, Observable, type SchedulerLike, Subscription } from 'rxjs'
import { SessionlogError } from '../errors.ts'
import type { RecordedEvent } from '../event.ts'
import type { Changes } from '../state/changes.ts'
import type { Immutable } from '../state/values.ts'

/** How to replay. */
export interface ReplayOptions {
  /** The first version, included. Default: 1. */
  from?: number
  /** The last version, included. Default: the session's version. */
  to?: number
  /** How much faster than it was recorded: 1 is as it was, 10 ten times as fast. Default: `Infinity`, without a pause. */
  speed?: number
  /** What time passes on. Default: RxJS's `asyncScheduler`. */
  scheduler?: SchedulerLike
}

/** One event of a replay, with the state on both sides of it. */
export interface ReplayStep<State> {
  readonly event: RecordedEvent
  readonly before: Immutable<State> | undefined
  readonly after: Immutable<State> | undefined
  /**
   * What the event made of the state before: `event.changes`. Recorded as they are: after an `upcast` of the states
   * they speak of the shape that was saved.
   */
  readonly changes: Changes
}

/** The longest that a timer can wait; a pause that is longer is cut to it. */
const PAUSE_MS_MAX = 2 ** 31 - 1

/** Steps one after another, with the pauses between their recorded times. Nothing is read ahead of its time. */
export function paced<State>(
  steps: (signal: AbortSignal) => AsyncGenerator<ReplayStep<State>, void, undefined>,
  speed: number,
  scheduler: SchedulerLike = asyncScheduler,
  ended: Observable<unknown> = NEVER,
): Observable<ReplayStep<State>> {
  return new Observable(subscriber => {
    const stop = new AbortController()
    const close = () =>
      stop.abort(new SessionlogError('SESSIONLOG_NOT_OPEN', 'The store was closed meanwhile'))
    // A store that has failed goes on reading.
    const end = ended.subscribe({ error: () => {}, complete: close })
    const subscription = from(pausing(steps(stop.signal), speed, scheduler, stop.signal)).subscribe(
      subscriber,
    )
    return () => {
      end.unsubscribe()
      stop.abort()
      subscription.unsubscribe()
    }
  })
}

async function* pausing<State>(
  steps: AsyncGenerator<ReplayStep<State>, void, undefined>,
  speed: number,
  scheduler: SchedulerLike,
  signal: AbortSignal,
): AsyncGenerator<ReplayStep<State>, void, undefined> {
  let last: number | undefined
  for await (const step of steps) {
    const { recordedAt } = step.event
    const pauseMs = last === undefined ? 0 : (recordedAt - last) / speed
    if (pauseMs > 0) await pause(Math.min(pauseMs, PAUSE_MS_MAX), scheduler, signal)
    signal.throwIfAborted()
    last = recordedAt
    yield step
  }
}

function pause(ms: number, scheduler: SchedulerLike, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const pending = new Subscription()
    const end = () => {
      signal.removeEventListener('abort', end)
      pending.unsubscribe()
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
    pending.add(scheduler.schedule(end, ms))
  })
}
