import { AsyncResource } from 'node:async_hooks'
import { Observable, type OperatorFunction } from 'rxjs'

/**
 * Gathers values while the consumer is busy and hands them on one group at a time: the first of a tick starts
 * a group that is handed on when the tick's microtasks are through, the next group goes when `idle` emits.
 * Order is kept, and no value waits for another that comes later.
 *
 * The backlog stays here and out of `concatMap`, which shifts an array for each value that it queues.
 */
export function gatherWhileBusy<T>(
  idle: Observable<unknown>,
  max: number,
): OperatorFunction<T, readonly T[]> {
  return source =>
    new Observable(subscriber => {
      let waiting: T[] = []
      let busy = false

      // In the context of whoever built the pipeline, not of the caller whose value happens to come first.
      const handOn = AsyncResource.bind(() => {
        busy = waiting.length > 0
        if (!busy) return
        const group = waiting.length > max ? waiting.splice(0, max) : waiting
        if (group === waiting) waiting = []
        subscriber.next(group)
      })
      const subscription = source.subscribe({
        next(value) {
          waiting.push(value)
          if (busy) return
          busy = true
          queueMicrotask(handOn)
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
      // An acknowledged caller that saves again at once still gets into the next group: its continuation runs
      // before the immediate.
      subscription.add(idle.subscribe(() => (waiting.length > 0 ? setImmediate(handOn) : handOn())))
      return subscription
    })
}
