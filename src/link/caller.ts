import type { Channel } from './channel.ts'
import type { Message } from './frame.ts'
import { LinkLost } from './link-lost.ts'
import { MESSAGE } from './message.ts'
import { fromWire } from './wire-error.ts'

/** How many pages may lie here unread before no more are asked for. */
const PAGES_MAX = 2

/** Asks the other end of a link, and takes its answers. */
export class Caller {
  readonly #channel: Channel
  readonly #open = new Map<number, Call>()
  #calls = 0

  constructor(channel: Channel) {
    this.#channel = channel
    channel.onEnd(() => {
      for (const [id, call] of this.#open) {
        call.fail(new LinkLost())
        this.#close(id)
      }
    })
  }

  /** The answer to a call; `onPage` is given what comes before it. Rejects with `LinkLost`, or as the owner did. */
  async call(
    method: string,
    args: readonly unknown[] = [],
    { signal, onPage }: { signal?: AbortSignal | undefined; onPage?: (page: unknown) => void } = {},
  ): Promise<unknown> {
    const call = this.#begin(method, args)
    const pages = call.pages(signal)
    for (;;) {
      const next = await pages.next()
      if (next.done) return next.value
      onPage?.(next.value)
    }
  }

  /** The pages of an answer, a few at a time. */
  async *pages<T>(
    method: string,
    args: readonly unknown[] = [],
    signal?: AbortSignal,
  ): AsyncGenerator<T, void, undefined> {
    yield* this.#begin(method, args).pages(signal) as AsyncGenerator<T, void, undefined>
  }

  /** Takes a message that belongs to a call; false for any other. */
  take([kind, id, content]: Message): boolean {
    if (kind !== MESSAGE.PAGE && kind !== MESSAGE.ANSWER && kind !== MESSAGE.ERROR) return false
    const call = this.#open.get(id as number)
    if (kind === MESSAGE.PAGE) call?.page(content)
    else if (kind === MESSAGE.ANSWER) call?.answer(content)
    else call?.fail(fromWire(content))
    if (kind !== MESSAGE.PAGE) this.#close(id as number)
    return true
  }

  #close(id: number): boolean {
    const wasOpen = this.#open.delete(id)
    if (wasOpen) this.#channel.letGo()
    return wasOpen
  }

  #begin(method: string, args: readonly unknown[]): Call {
    if (this.#channel.ended) throw new LinkLost()
    const id = ++this.#calls
    const call = new Call(
      () => this.#channel.send(MESSAGE.MORE, id),
      () => {
        if (this.#close(id)) this.#channel.send(MESSAGE.CANCEL, id)
      },
    )
    this.#channel.send(MESSAGE.CALL, id, method, args)
    this.#channel.hold()
    this.#open.set(id, call)
    return call
  }
}

/** One call under way. */
class Call {
  readonly #more: () => void
  readonly #cancel: () => void
  readonly #pages: unknown[] = []
  #ended: { readonly value: unknown } | { readonly error: unknown } | undefined
  #wake = () => {}

  constructor(more: () => void, cancel: () => void) {
    this.#more = more
    this.#cancel = cancel
  }

  page(page: unknown): void {
    this.#pages.push(page)
    if (this.#pages.length < PAGES_MAX) this.#more()
    this.#wake()
  }

  answer(value: unknown): void {
    this.#ended = { value }
    this.#wake()
  }

  fail(error: unknown): void {
    this.#ended = { error }
    this.#wake()
  }

  async *pages(signal?: AbortSignal): AsyncGenerator<unknown, unknown, undefined> {
    const onAbort = () => this.fail(signal!.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      for (;;) {
        signal?.throwIfAborted()
        const full = this.#pages.length === PAGES_MAX
        if (this.#pages.length > 0) {
          const page = this.#pages.shift()
          if (full) this.#more()
          yield page
        } else if (this.#ended !== undefined) {
          if ('error' in this.#ended) throw this.#ended.error
          return this.#ended.value
        } else {
          await new Promise<void>(resolve => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#cancel()
    }
  }
}
