import { Observable, Subject } from 'rxjs'
import { GuardedObservable, type OnThrow } from './guarded.ts'

/** A state, and the how-manieth change it is of all that were told. */
interface Told {
  readonly state: unknown
  readonly number: number
}

/** Those who watch sessions, and what they are still to be told. */
export class Watchers {
  readonly #subjects = new Map<string, Subject<Told>>()
  readonly #untold: [Subject<Told>, Told][] = []
  readonly #onThrow: OnThrow
  #changes = 0
  #ended = false
  #telling = false

  constructor(onThrow: OnThrow) {
    this.#onThrow = onThrow
  }

  /** The session's state now, then each change of it. `now` and what is told are fit to be handed out. */
  watch(id: string, now: () => unknown): Observable<unknown> {
    const changes = new Observable(subscriber => {
      if (this.#ended) return subscriber.complete()
      const subject = this.#subjects.get(id) ?? new Subject()
      this.#subjects.set(id, subject)
      const state = now()
      // What is still to be told to others is in that state already.
      const since = this.#changes
      // Subscribed before it is told of the state, for it may save at once.
      const changed = ({ state, number }: Told) => {
        if (number > since) subscriber.next(state)
      }
      subscriber.add(subject.subscribe({ next: changed, complete: () => subscriber.complete() }))
      subscriber.add(() => {
        if (!subject.observed && this.#subjects.get(id) === subject) this.#subjects.delete(id)
      })
      this.#inTurn(() => subscriber.next(state))
    })
    return GuardedObservable.from(changes, this.#onThrow)
  }

  watches(id: string): boolean {
    return this.#subjects.size > 0 && this.#subjects.has(id)
  }

  tell(id: string, state: unknown): void {
    const subject = this.#subjects.get(id)
    if (subject === undefined) return
    this.#untold.push([subject, { state, number: ++this.#changes }])
    this.#inTurn(() => {})
  }

  complete(): void {
    this.#ended = true
    for (const subject of [...this.#subjects.values()]) subject.complete()
    this.#subjects.clear()
  }

  /** Tells of changes one after another, also where a watcher saves and so makes the next change. */
  #inTurn(first: () => void): void {
    const outermost = !this.#telling
    this.#telling = true
    try {
      first()
      if (!outermost) return
      for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift())
        next[0].next(next[1])
    } finally {
      if (outermost) this.#telling = false
    }
  }
}
