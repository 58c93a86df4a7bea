import { Observable, type Observer, type Operator, Subject, type Subscription } from 'rxjs'
import { hasCode } from '../errors.ts'

/** Told of what a subscriber threw. */
export type OnThrow = (error: unknown) => void

/**
 * An Observable whose subscribers cannot take the process down: what one of them throws is told to `onThrow`
 * instead of becoming an uncaught exception, also behind operators. RxJS has no other place to catch it.
 */
export class GuardedObservable<T> extends Observable<T> {
  #onThrow: OnThrow = () => {}

  static from<T>(source: Observable<T>, onThrow: OnThrow): GuardedObservable<T> {
    const guarded = new GuardedObservable<T>(subscriber => source.subscribe(subscriber))
    guarded.#onThrow = onThrow
    return guarded
  }

  /** RxJS makes the Observable behind an operator here. */
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new GuardedObservable<R>()
    lifted.#onThrow = this.#onThrow
    lifted.source = this
    lifted.operator = operator as Operator<unknown, R> | undefined
    return lifted
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // RxJS subscribes its own operators with a Subscriber: that handles its errors itself.
    if (isSubscriber(observerOrNext)) return super.subscribe(observerOrNext)
    const observer: Partial<Observer<T>> =
      typeof observerOrNext === 'function' || !observerOrNext
        ? {
            ...(observerOrNext && { next: observerOrNext }),
            ...(error && { error }),
            ...(complete && { complete }),
          }
        : observerOrNext
    return super.subscribe({
      next: value => this.#guard(() => observer.next?.(value)),
      error: failure =>
        this.#guard(() => (observer.error ? observer.error(failure) : this.#unheard(failure))),
      complete: () => this.#guard(() => observer.complete?.()),
    })
  }

  /** An operator that threw has nobody to tell; that the store has stopped is told elsewhere. */
  #unheard(failure: unknown): void {
    if (!hasCode(failure, 'SESSIONLOG_IO_ERROR')) this.#onThrow(failure)
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (thrown) {
      this.#onThrow(thrown)
    }
  }
}

function isSubscriber(observer: unknown): observer is Observer<never> & { add: unknown } {
  return typeof (observer as { add?: unknown } | null)?.add === 'function' && !(observer instanceof Subject)
}
