import type { Channel } from './link/channel.ts'
import { MESSAGE } from './link/message.ts'
import type { Expiry } from './log/port.ts'

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

  /** Whether what the owner tells of a session is not to be taken: what this process did comes after it. */
  outdates(sessionId: string, expiresAt: number): boolean {
    const own = this.#untold.get(sessionId)
    if (own === undefined) return false
    if (own.expiresAt === expiresAt) this.#untold.delete(sessionId)
    return true
  }

  /** Those that nobody has been told of. */
  get untold(): readonly Expiry[] {
    return [...this.#untold.values()]
  }

  #send({ sessionId, expiresAt }: Expiry): void {
    this.#channel?.send(MESSAGE.TOUCH, sessionId, expiresAt)
  }
}
