import type { Socket } from 'node:net'
import { SessionlogError } from '../errors.ts'
import { encodeMessage, FRAME_BYTES_MAX, FrameReader, frameOf, type Message } from './frame.ts'
import { LinkLost } from './link-lost.ts'

/** How long the other end may take to read what is still to be sent when this one hangs up, ms. */
const CLOSING_MS_MAX = 1_000
/** So much goes at once, without waiting for the end of the tick. */
const GATHERED_BYTES_MAX = 1024 * 1024

/**
 * One end of a link: messages in order, in both directions. What is sent in one tick goes in one frame. Whatever isn't
 * a frame cuts the link.
 */
export class Channel {
  readonly #socket: Socket
  readonly #frames = new FrameReader()
  readonly #unsentBytesMax: number
  #outbox: Buffer[] = []
  #outboxBytes = 0
  #onMessage: ((message: Message) => void) | undefined
  #unread: Message[] = []
  #onEnd: (() => void)[] = []
  #ended = false
  #holds = 0

  /** With `unsentBytesMax` the link is cut where the other end leaves so much unread. */
  constructor(socket: Socket, unsentBytesMax = Number.POSITIVE_INFINITY) {
    this.#socket = socket
    this.#unsentBytesMax = unsentBytesMax
    socket.on('data', piece => this.#take(piece))
    socket.on('error', () => {})
    socket.on('close', () => this.#end())
  }

  get ended(): boolean {
    return this.#ended
  }

  /** From here on frames may be long: both ends know each other. */
  trust(): void {
    this.#frames.bytesMax = FRAME_BYTES_MAX
  }

  /** Hands on what came before, and whatever comes. What it throws cuts the link. */
  onMessage(take: (message: Message) => void): void {
    this.#onMessage = take
    const unread = this.#unread
    this.#unread = []
    for (const message of unread) this.#deliver(message)
  }

  /** The next message; rejects with {@link LinkLost}. For before `onMessage`. */
  next(): Promise<Message> {
    return new Promise((resolve, reject) => {
      const first = this.#unread.shift()
      if (first !== undefined) return resolve(first)
      if (this.#ended) return reject(new LinkLost())
      const ended = () => reject(new LinkLost())
      this.#onEnd.push(ended)
      this.#onMessage = message => {
        this.#onMessage = undefined
        this.#onEnd = this.#onEnd.filter(each => each !== ended)
        resolve(message)
      }
    })
  }

  /** Called once, when nothing will come any more. */
  onEnd(call: () => void): void {
    if (this.#ended) call()
    else this.#onEnd.push(call)
  }

  /** Throws where the message is too long for a frame; then nothing is sent of it. */
  send(...message: Message): void {
    this.sendEncoded(encodeMessage(message))
  }

  /** Sends a message that is encoded already. */
  sendEncoded(message: Buffer): void {
    if (this.#ended) return
    this.#outboxBytes += message.length
    if (this.#outbox.push(message) === 1) queueMicrotask(() => this.flush())
    if (this.#outboxBytes > GATHERED_BYTES_MAX) this.flush()
  }

  /** Lets the process end though the link is open, unless something is waited for: see `hold`. */
  unref(): void {
    if (this.#holds === 0) this.#socket.unref()
  }

  /** Keeps the process alive until as many calls of `letGo`. */
  hold(): void {
    if (this.#holds++ === 0) this.#socket.ref()
  }

  letGo(): void {
    if (--this.#holds === 0) this.#socket.unref()
  }

  /** Stops reading, so that the other end has to wait; `resume` goes on. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Sends what is still to be sent, then hangs up, whatever the other end is about. */
  close(): void {
    this.flush()
    this.#socket.destroySoon()
    // It may be stopped, and never read.
    const late = setTimeout(() => this.#socket.destroy(), CLOSING_MS_MAX)
    this.#socket.once('close', () => clearTimeout(late))
  }

  /** Hangs up at once. */
  cut(): void {
    this.#socket.destroy()
    this.#end()
  }

  /** Sends at once what was to go at the end of the tick. */
  flush(): void {
    const messages = this.#outbox
    if (messages.length === 0 || this.#ended) return
    this.#outbox = []
    this.#outboxBytes = 0
    if (this.#socket.writableLength > this.#unsentBytesMax) this.cut()
    else this.#socket.write(frameOf(messages))
  }

  #take(piece: Buffer): void {
    if (this.#ended) return
    try {
      for (const message of this.#frames.read(piece)) {
        this.#deliver(message)
        if (this.#ended) return
      }
    } catch {
      this.cut()
    }
  }

  #deliver(message: Message): void {
    if (this.#onMessage === undefined) this.#unread.push(message)
    else this.#onMessage(message)
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    const calls = this.#onEnd
    this.#onEnd = []
    for (const call of calls) call()
  }
}

/** For a message that makes no sense: the other end isn't what it should be. */
export function malformed(what: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `A message over the link is malformed: ${what}`)
}
