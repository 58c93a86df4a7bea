import { type Observable, Subject } from 'rxjs'
import type { SessionlogError } from '../errors.ts'
import type { RecordedEvent } from '../event.ts'
import { recordedEvent } from '../log/codec.ts'
import type { Append } from '../log/commit.ts'
import { handOut, handOutChanges } from '../state/exotic.ts'
import { GuardedObservable, type OnThrow } from './guarded.ts'

/** What has become durable, for those who follow: each commit's events, in order, each once. */
export class Commits {
  readonly observable: Observable<readonly RecordedEvent[]>
  readonly #subject = new Subject<readonly RecordedEvent[]>()
  #waiting: (() => void)[] = []
  #ended = false

  constructor(onThrow: OnThrow) {
    this.observable = GuardedObservable.from(this.#subject, onThrow)
  }

  next(appends: readonly Append[]): void {
    this.followed(() => appends.map(eventOf))
  }

  /** Tells of a commit of another process. */
  followed(events: () => RecordedEvent[]): void {
    if (this.#subject.observed) this.#subject.next(Object.freeze(events()))
    this.#wake()
  }

  /** True where no commit will follow. */
  get ended(): boolean {
    return this.#ended
  }

  error(error: SessionlogError): void {
    this.#ended = true
    this.#subject.error(error)
    this.#wake()
  }

  complete(): void {
    this.#ended = true
    this.#subject.complete()
    this.#wake()
  }

  /** Resolves at the next commit, or when there will be none. */
  changed(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** The public form of an event that has just been written; nothing in it is the cache's own. */
function eventOf(append: Append): RecordedEvent {
  const { facts } = append
  const ours = facts.data === undefined ? facts : { ...facts, data: handOut(facts.data) }
  return recordedEvent(append, ours, handOutChanges(append.changes))
}
