import { AsyncResource } from 'node:async_hooks'
import type { Expiry } from './log/port.ts'
import type { Writer } from './log/writer.ts'
import type { Cache } from './projection/cache.ts'
import type { Session } from './projection/session.ts'
import type { Recorder } from './recorder.ts'

/** How long a touch may wait for others before it is written. */
const COALESCE_MS = 1000
/** The longest that a Node.js timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1
/** The shortest time between two sweeps. */
const SWEEP_MS_MIN = 100

/** Moves expiries without events, and ends sessions whose time is up. */
export class Expiries {
  readonly #cache: Cache
  readonly #writer: Writer
  readonly #recorder: Recorder<never>
  readonly #touched = new Map<Session, Expiry>()
  /** Timers run in the context of whoever opened the store, not of the caller who set them. */
  readonly #sweepLater = AsyncResource.bind(() => this.#sweepAndPlan())
  readonly #flushLater = AsyncResource.bind(() => void this.flush().catch(() => {}))
  #writeTimer: NodeJS.Timeout | undefined
  #sweepTimer: NodeJS.Timeout | undefined
  #sweepAt = Number.POSITIVE_INFINITY

  constructor(cache: Cache, writer: Writer, recorder: Recorder<never>) {
    this.#cache = cache
    this.#writer = writer
    this.#recorder = recorder
    this.plan(cache.nextExpiry())
  }

  touch(session: Session, expiresAt: number): void {
    this.#cache.touch(session, expiresAt)
    this.#touched.set(session, { sessionId: session.id, expiresAt, version: session.version })
    this.#writeTimer ??= setTimeout(this.#flushLater, COALESCE_MS).unref()
    this.plan(expiresAt)
  }

  /** Writes the touches that wait. */
  async flush(): Promise<void> {
    clearTimeout(this.#writeTimer)
    this.#writeTimer = undefined
    if (this.#touched.size === 0) return
    const operations = Array.from(this.#touched.values(), touched => ({ op: 'expiry' as const, ...touched }))
    this.#touched.clear()
    await this.#writer.write(() => operations)
  }

  /** Sees to it that a sweep comes no later than an expiry. */
  plan(expiresAt: number): void {
    if (expiresAt >= this.#sweepAt) return
    clearTimeout(this.#sweepTimer)
    this.#sweepAt = expiresAt
    const wait = Math.max(expiresAt - this.#recorder.now(), SWEEP_MS_MIN)
    this.#sweepTimer = setTimeout(this.#sweepLater, Math.min(wait, TIMER_MS_MAX)).unref()
  }

  /** Whether a session's time is up. After a failed write it cannot be ended, but readers do not see it. */
  isOver(session: Session): boolean {
    return session.expiresAt !== Number.POSITIVE_INFINITY && session.expiresAt <= this.#recorder.now()
  }

  /** Ends a session whose time is up. */
  end(session: Session): void {
    if (this.isOver(session) && session.exists && this.#writer.failure === undefined)
      this.#recorder.expire(session)
  }

  /** Ends every session whose time is up. */
  sweep(): void {
    const now = this.#recorder.now()
    if (this.#writer.failure !== undefined || now < this.#sweepAt) return
    // Asked again of each: whoever is told of one end may save the next session again.
    for (const session of this.#cache.expired(now)) this.end(session)
  }

  stop(): void {
    clearTimeout(this.#writeTimer)
    clearTimeout(this.#sweepTimer)
  }

  #sweepAndPlan(): void {
    if (this.#writer.failure !== undefined) return
    this.sweep()
    this.#sweepAt = Number.POSITIVE_INFINITY
    this.plan(this.#cache.nextExpiry())
  }
}
