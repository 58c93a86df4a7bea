/**
 * Group commit for peers that have none: what comes while a commit is under way waits for the next, which takes
 * it all. The first save of a group waits one turn of the event loop for company, as callers woken by one commit
 * save again in that turn.
 */
export class Gather<T> {
  readonly #commit: (group: readonly T[]) => Promise<void> | void
  #waiting: T[] = []
  #settlers: { resolve: () => void; reject: (reason: unknown) => void }[] = []
  #busy = false

  constructor(commit: (group: readonly T[]) => Promise<void> | void) {
    this.#commit = commit
  }

  add(one: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(one)
      this.#settlers.push({ resolve, reject })
      if (this.#busy) return
      this.#busy = true
      setImmediate(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      const settlers = this.#settlers
      this.#waiting = []
      this.#settlers = []
      try {
        await this.#commit(group)
        for (const { resolve } of settlers) resolve()
      } catch (error) {
        for (const { reject } of settlers) reject(error)
      }
      // The callers that this commit woke save again before the next one starts.
      await new Promise(resolve => setImmediate(resolve))
    }
    this.#busy = false
  }
}
