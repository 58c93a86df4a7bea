import { hasCode } from '../errors.ts'

/** How much is on its way to the disk at once. */
const SAVES_MAX = 1000
const BYTES_MAX = 16 * 1024 * 1024

/** Saves under way: many at once, for they share commits, but no more than the memory is to hold. */
export class SaveWindow {
  readonly #underWay = new Set<Promise<void>>()
  #bytes = 0
  #failure: { readonly error: unknown } | undefined

  /** Starts a save, once there is room. One that finds the store's own queue full is made again after the others. */
  async add(bytes: number, save: () => Promise<void>): Promise<void> {
    while (this.#underWay.size >= SAVES_MAX || (this.#underWay.size > 0 && this.#bytes + bytes > BYTES_MAX))
      await Promise.race(this.#underWay)
    this.#throwFailure()
    this.#bytes += bytes
    const done = this.#patient(save)
      .catch(error => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#underWay.delete(done)
        this.#bytes -= bytes
      })
    this.#underWay.add(done)
  }

  async drain(): Promise<void> {
    await Promise.all(this.#underWay)
    this.#throwFailure()
  }

  async #patient(save: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await save()
      } catch (error) {
        if (!hasCode(error, 'SESSIONLOG_OVERLOADED')) throw error
        await new Promise(resolve => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

const RETRY_MS = 20
