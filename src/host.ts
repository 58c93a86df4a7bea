import type { Socket } from 'node:net'
import type { SessionlogError } from './errors.ts'
import { Guest, type Hosting } from './guest.ts'
import { Channel } from './link/channel.ts'
import { commitMessage } from './link/commit-message.ts'
import { greetFollower } from './link/handshake.ts'
import { makeKey, removeKey } from './link/key.ts'
import { MESSAGE } from './link/message.ts'
import { toWire } from './link/wire-error.ts'
import type { LogOperation } from './log/port.ts'

/** How long a stranger may take to show that it knows the key, ms. */
const GREETING_MS_MAX = 10_000
/** How many strangers may be at the door at once: then the one who has waited longest is sent away. */
const STRANGERS_MAX = 256
/** A follower that leaves so much unread is cut off: it comes again, and asks for what it missed. */
const UNSENT_BYTES_MAX = 64 * 1024 * 1024

/**
 * An open store's door: other processes of the same user come in and follow it. Whoever comes before the store is open
 * waits; whoever doesn't know the key is sent away.
 */
export class Host {
  #directory: string | undefined
  readonly #guests = new Set<Guest>()
  readonly #channels = new Set<Channel>()
  readonly #strangers = new Set<Channel>()
  readonly #key = new Later<Buffer>()
  readonly #hosting = new Later<Hosting>()
  #closed = false

  /** Takes those who connect. */
  readonly door = (socket: Socket): void => {
    socket.unref()
    const channel = new Channel(socket, UNSENT_BYTES_MAX)
    if (this.#closed) {
      channel.cut()
      return
    }
    if (this.#strangers.size >= STRANGERS_MAX) this.#strangers.values().next().value!.cut()
    this.#channels.add(channel)
    channel.onEnd(() => this.#channels.delete(channel))
    this.#strangers.add(channel)
    channel.onEnd(() => this.#strangers.delete(channel))
    this.#admit(channel).catch(() => channel.cut())
  }

  /** Makes the key that lets followers in. REQUIRES: the lock is held. */
  async prepare(directory: string): Promise<void> {
    this.#directory = directory
    this.#key.resolve(await makeKey(directory))
  }

  /** The store is open: whoever waits may come in. */
  open(hosting: Hosting): void {
    this.#hosting.resolve(hosting)
  }

  /** Tells followers of a commit. */
  publish(operations: readonly LogOperation[]): void {
    if (this.#guests.size === 0) return
    try {
      const message = commitMessage(operations)
      if (message !== undefined) for (const guest of this.#guests) guest.commit(message)
    } catch {
      // Too long for a frame: they can't follow any more.
      for (const guest of this.#guests) guest.cut()
    }
  }

  /** How many processes follow. */
  get followers(): number {
    return this.#guests.size
  }

  touched(sessionId: string, expiresAt: number, version: number): void {
    for (const guest of this.#guests) guest.send(MESSAGE.TOUCHED, sessionId, expiresAt, version)
  }

  failed(error: SessionlogError): void {
    for (const guest of this.#guests) guest.send(MESSAGE.FAILED, toWire(error))
  }

  /** The store is closing: followers are not answered any more, but still told of commits. */
  silence(): void {
    this.#closed = true
    for (const guest of this.#guests) guest.silence()
  }

  /** Sends everybody away: they look for the next owner. */
  async close(): Promise<void> {
    this.#closed = true
    for (const channel of [...this.#channels]) channel.close()
    if (this.#directory !== undefined) await removeKey(this.#directory).catch(() => {})
  }

  async #admit(channel: Channel): Promise<void> {
    const late = setTimeout(() => channel.cut(), GREETING_MS_MAX).unref()
    await greetFollower(channel, await this.#key.value)
    clearTimeout(late)
    this.#strangers.delete(channel)
    const hosting = await this.#hosting.value
    if (channel.ended || this.#closed) return
    const guest: Guest = new Guest(channel, hosting, (joining, producer) =>
      this.#join(joining, producer, hosting),
    )
    this.#guests.add(guest)
    channel.onEnd(() => this.#guests.delete(guest))
  }

  /** An older link of the same follower must not write any more, once the new one asks what was written. */
  async #join(joining: Guest, producer: string, hosting: Hosting): Promise<void> {
    for (const guest of this.#guests) if (guest !== joining && guest.producer === producer) guest.cut()
    await hosting.settled()
  }
}

/** What isn't there yet: it may be asked for before. */
class Later<T> {
  resolve!: (value: T) => void
  readonly value = new Promise<T>(resolve => {
    this.resolve = resolve
  })
}
