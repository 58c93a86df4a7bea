import type { Channel } from './channel.ts'
import type { Message } from './frame.ts'
import { MESSAGE } from './message.ts'
import { toWire } from './wire-error.ts'

/** Answers a call: with pages first, each once the one before was asked for, and a value at the end. */
export type Method = (
  args: readonly unknown[],
  context: {
    /** Aborted when the answer isn't wanted any more. */
    readonly signal: AbortSignal
    /** Sends a page; resolves when one more may follow. */
    readonly page: (page: unknown) => Promise<void>
  },
) => unknown

/** How many calls of one follower may be under way. */
const CALLS_MAX = 1024

/** Answers what the other end of a link asks. */
export class Answerer {
  readonly #channel: Channel
  readonly #methods: Readonly<Record<string, Method>>
  readonly #open = new Map<number, Answer>()
  #silent = false

  constructor(channel: Channel, methods: Readonly<Record<string, Method>>) {
    this.#channel = channel
    this.#methods = methods
    channel.onEnd(() => {
      for (const answer of this.#open.values()) answer.cancel()
    })
  }

  /** Says nothing any more, neither to what is under way: whoever asks will ask the next owner. */
  silence(): void {
    this.#silent = true
  }

  /** Takes a message that belongs to a call; false for any other. */
  take([kind, id, method, args]: Message): boolean {
    if (kind === MESSAGE.CALL) void this.#answer(id as number, method as string, args as readonly unknown[])
    else if (kind === MESSAGE.MORE) this.#open.get(id as number)?.more()
    else if (kind === MESSAGE.CANCEL) this.#open.get(id as number)?.cancel()
    else return false
    return true
  }

  async #answer(id: number, name: string, args: readonly unknown[]): Promise<void> {
    const answer = new Answer(page => this.#say(MESSAGE.PAGE, id, page))
    try {
      if (this.#open.size >= CALLS_MAX) throw new RangeError('Too many calls at once')
      if (!Object.hasOwn(this.#methods, name)) throw new TypeError(`The owner has no method '${name}'`)
      this.#open.set(id, answer)
      const value = await this.#methods[name]!(args, answer)
      this.#say(MESSAGE.ANSWER, id, value)
    } catch (error) {
      this.#say(MESSAGE.ERROR, id, toWire(error))
    } finally {
      this.#open.delete(id)
    }
  }

  #say(...message: Message): void {
    if (!this.#silent) this.#channel.send(...message)
  }
}

/** One answer under way. */
class Answer {
  readonly #send: (page: unknown) => void
  readonly #abort = new AbortController()
  #wanted = 1
  #waiting = () => {}

  constructor(send: (page: unknown) => void) {
    this.#send = send
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  readonly page = async (page: unknown): Promise<void> => {
    this.signal.throwIfAborted()
    this.#send(page)
    this.#wanted--
    if (this.#wanted > 0) return
    await new Promise<void>(resolve => {
      this.#waiting = resolve
    })
    this.signal.throwIfAborted()
  }

  more(): void {
    this.#wanted++
    this.#waiting()
  }

  cancel(): void {
    this.#abort.abort(new Error('The answer is not wanted any more'))
    this.#waiting()
  }
}
