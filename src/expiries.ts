import { AsyncResource } from 'node:async_hooks'
import type { Expiry } from './log/port.ts'
import type { LogWriter } from './log/writer.ts'
import type { Cache } from './projection/cache.ts'
import type { Session } from './projection/session.ts'
import type { Recorder } from './recorder.ts'
import type { Role } from './role.ts'

/** How long a touch may wait for others before it is written. */
const COALESCE_MS = 1000
/** The longest that a Node.js timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1
/** The shortest time between two sweeps. */
const SWEEP_MS_MIN = 100

/** Moves expiries without events, and ends sessions whose time is up. */
export class Expiries {
  readonly #cache: Cache
  readonly #writer: LogWriter
  readonly #role: () => Role
  readonly #recorder: Recorder<never>
  readonly #touched = new Map<Session, Expiry>()
  /** Timers run in the context of whoever opened the store, not of the caller who set them. */
  readonly #sweepLater = AsyncResource.bind(() => this.#sweepAndPlan())
  readonly #flushLater = AsyncResource.bind(() => void this.flush().catch(() => {}))
  #writeTimer: NodeJS.Timeout | undefined
  #sweepTimer: NodeJS.Timeout | undefined
  #sweepAt = Number.POSITIVE_INFINITY

  constructor(cache: Cache, writer: LogWriter, recorder: Recorder<never>, role: () => Role) {
    this.#cache = cache
    this.#writer = writer
    this.#recorder = recorder
    this.#role = role
  }

  touch(session: Session, expiresAt: number): void {
    this.#cache.touch(session, expiresAt)
    const touched = { sessionId: session.id, expiresAt, version: session.version }
    this.#role().tellTouch(touched)
    if (this.#role().follows) return
    this.#touched.set(session, touched)
    this.#writeTimer ??= setTimeout(this.#flushLater, COALESCE_MS).unref()
    this.plan(expiresAt)
  }

  /** Writes the touches that wait. */
  async flush(): Promise<void> {
    clearTimeout(this.#writeTimer)
    this.#writeTimer = undefined
    if (this.#touched.size === 0) return
    const touched = [...this.#touched.values()]
    this.#touched.clear()
    await this.#role().writeTouches(touched)
  }

  /** Sees to it that every session ends in time. */
  planAll(): void {
    this.plan(this.#cache.nextExpiry())
  }

  /** Sees to it that a sweep comes no later than an expiry. */
  plan(expiresAt: number): void {
    if (expiresAt >= this.#sweepAt || this.#role().follows) return
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
    if (!this.isOver(session) || !session.exists) return
    if (this.#writer.failure === undefined && !this.#role().follows) this.#recorder.expire(session)
  }

  /** Ends every session whose time is up. */
  sweep(): void {
    const now = this.#recorder.now()
    if (this.#writer.failure !== undefined || this.#role().follows || now < this.#sweepAt) return
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
