import { Observable, Subject } from 'rxjs'
import { GuardedObservable, type OnThrow } from './guarded.ts'

/** Those who watch sessions, and what they are still to be told. */
export class Watchers {
  readonly #subjects = new Map<string, Subject<unknown>>()
  readonly #untold: [Subject<unknown>, unknown][] = []
  readonly #onThrow: OnThrow
  #telling = false

  constructor(onThrow: OnThrow) {
    this.#onThrow = onThrow
  }

  /** The session's state now, then each change of it. `now` and what is told are fit to be handed out. */
  watch(id: string, now: () => unknown): Observable<unknown> {
    const changes = new Observable(subscriber => {
      const subject = this.#subjects.get(id) ?? new Subject()
      this.#subjects.set(id, subject)
      subscriber.next(now())
      subscriber.add(subject.subscribe(subscriber))
      subscriber.add(() => {
        if (!subject.observed && this.#subjects.get(id) === subject) this.#subjects.delete(id)
      })
    })
    return GuardedObservable.from(changes, this.#onThrow)
  }

  watches(id: string): boolean {
    return this.#subjects.size > 0 && this.#subjects.has(id)
  }

  /** Tells of changes one after another, also where a watcher saves and so makes the next change. */
  tell(id: string, state: unknown): void {
    const subject = this.#subjects.get(id)
    if (subject === undefined) return
    this.#untold.push([subject, state])
    if (this.#telling) return
    this.#telling = true
    try {
      for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift())
        next[0].next(next[1])
    } finally {
      this.#telling = false
    }
  }

  complete(): void {
    for (const subject of [...this.#subjects.values()]) subject.complete()
    this.#subjects.clear()
  }
}
