import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Diagnostics, SessionStore } from '../../index.ts'

/** How often a store is asked that does not tell by itself, ms: one that was closed, or whose owner failed. */
const LOOK_MS = 1000

/** Tells when a store stops taking sessions, and when it does again. */
export class StoreHealth {
  readonly #store: SessionStore<unknown>
  readonly #tell: (isUp: boolean) => void
  readonly #timer: NodeJS.Timeout
  readonly #onFailure = (message: unknown) => {
    // After the store has heard of it itself.
    if ((message as Diagnostics['sessionlog:failure']).origin === this.#store.origin)
      setImmediate(() => this.look())
  }
  #isUp = true

  constructor(store: SessionStore<unknown>, tell: (isUp: boolean) => void) {
    this.#store = store
    this.#tell = tell
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref()
    subscribe('sessionlog:failure', this.#onFailure)
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** A store that is `degraded` works. */
  look(): void {
    const { status } = this.#store.health()
    const isUp = status === 'open' || status === 'degraded'
    if (status === 'closed') {
      clearInterval(this.#timer)
      unsubscribe('sessionlog:failure', this.#onFailure)
    }
    if (isUp === this.#isUp) return
    this.#isUp = isUp
    this.#tell(isUp)
  }
}
