import type { Channel } from './link/channel.ts'
import { MESSAGE } from './link/message.ts'
import type { Expiry } from './log/port.ts'
import type { Cache } from './projection/cache.ts'

/**
 * Expiries that a follower has moved. They are no events, so nothing is recorded of who moved them: each is kept, and sent
 * again, until the owner has told everybody of it.
 */
export class Touches {
  readonly #untold = new Map<string, Expiry>()
  #channel: Channel | undefined

  /** Goes on with an owner, who hears of what was moved meanwhile. */
  attach(channel: Channel): void {
    this.#channel = channel
    this.sendAll()
  }

  detach(): void {
    this.#channel = undefined
  }

  add(touched: Expiry): void {
    this.#untold.set(touched.sessionId, touched)
    this.#send(touched)
  }

  sendAll(): void {
    for (const touched of this.#untold.values()) this.#send(touched)
  }

  /** Takes in what the owner tells of a touch; not where this process did one, which comes after it. */
  take(cache: Cache, sessionId: string, expiresAt: number, version: number): void {
    const own = this.#untold.get(sessionId)
    if (own !== undefined && own.expiresAt !== expiresAt) return
    // Its own comes back at the version that the owner had: an event before that one counts for less.
    this.#untold.delete(sessionId)
    const session = cache.sessions.get(sessionId)
    if (session === undefined) return
    const isThere = session.exists || session.isAhead
    if (isThere && session.version >= version) cache.touch(session, expiresAt, version)
    else session.forgetTouch()
  }

  /** What sessions were touched at may have been refused, or made again on another version. */
  restore(cache: Cache): void {
    for (const { sessionId, expiresAt } of this.#untold.values()) {
      const session = cache.sessions.get(sessionId)
      if (session?.exists) cache.touch(session, expiresAt)
    }
  }

  /** Those that nobody has been told of. */
  get untold(): readonly Expiry[] {
    return [...this.#untold.values()]
  }

  #send({ sessionId, expiresAt }: Expiry): void {
    this.#channel?.send(MESSAGE.TOUCH, sessionId, expiresAt)
  }
}
