import type { SessionStore } from '../../index.ts'

/**
 * A follower hears of what other processes saved a moment later. A browser's next request may reach it sooner: it waits
 * until all that was recorded by then is here. The owner of the log has it all, and waits for nothing.
 */
export class ReadBarrier {
  readonly #store: SessionStore<unknown>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(store: SessionStore<unknown>) {
    this.#store = store
  }

  /** Undefined where there is nothing to wait for. */
  pass(): Promise<void> | undefined {
    if (this.#store.role === 'owner' || this.#store.status !== 'open') return undefined
    // One that is under way may have been asked before what this caller has to see was recorded.
    if (this.#running === undefined) return this.#run()
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      return this.#run()
    })
    return this.#next
  }

  #run(): Promise<void> {
    // Where nobody can be asked, what is here is what there is: a write will say what is wrong.
    const done = this.#store.catchUp().catch(() => {})
    this.#running = done.then(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
