import { setTimeout as pause } from 'node:timers/promises'
import { type AuditOptions, openStore, type RecordedEvent, SessionlogError } from '../index.ts'
import { LogCopy } from '../recovery/log-copy.ts'
import type { Store } from './context.ts'
import { PAUSE } from './event-format.ts'

/** How often a directory is looked at. */
const LOOK_MS = 500

/** Follows what is recorded in a store, by whatever process holds it. */
export class Follower {
  readonly #dir: string
  #origin = ''
  #position = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  /** The store's, once it has been looked at. */
  get origin(): string {
    return this.#origin
  }

  /** First the events that `begin` finds, then what comes after them and fits. Ends with the signal's reason. */
  async *events(
    options: AuditOptions,
    signal: AbortSignal,
    begin: (store: Store) => Promise<RecordedEvent[]>,
  ): AsyncGenerator<RecordedEvent | typeof PAUSE, void, undefined> {
    const copy = new LogCopy(this.#dir, dir => openStore<unknown>({ dir, compactEvery: 0 }))
    try {
      for (;;) {
        const startedAt = performance.now()
        const store = await copy.open()
        if (store !== undefined) {
          yield* this.#news(store, options, signal, begin)
          yield PAUSE
        }
        // A large store takes its time: at least half of it is left to others.
        await pause(Math.max(LOOK_MS, performance.now() - startedAt), undefined, { signal })
      }
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      await copy.remove()
    }
  }

  async *#news(
    store: Store,
    options: AuditOptions,
    signal: AbortSignal,
    begin: (store: Store) => Promise<RecordedEvent[]>,
  ): AsyncGenerator<RecordedEvent, void, undefined> {
    try {
      const { origin, position } = store
      if (this.#origin === '') {
        this.#origin = origin
        yield* await begin(store)
      } else if (origin !== this.#origin) throw replaced(this.#dir)
      else if (position > this.#position) yield* store.audit({ ...options, after: this.#position, signal })
      // A copy may be older than the one before it.
      this.#position = Math.max(position, this.#position)
    } finally {
      await store.close()
    }
  }
}

function replaced(path: string): SessionlogError {
  const message = `Another store has taken the place of the one in '${path}'`
  return new SessionlogError('SESSIONLOG_EVENTS_MISSING', message, { path })
}
