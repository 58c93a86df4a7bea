import { isLinkLost } from './link/link-lost.ts'
import type { RemoteLog } from './link/remote-log.ts'
import type { CommitRecord, EventLog, Fork, LogRecord, LogView, VersionRange } from './log/port.ts'
import type { PastLog } from './parts.ts'
import { awaited } from './vigil.ts'

type Source = EventLog | RemoteLog

/**
 * The log as a follower reads it: that of the owner of the moment, and its own once it is the owner. A reading that an
 * owner's end interrupts goes on with the next one, where it was.
 */
export class CurrentLog implements PastLog {
  #own: EventLog | undefined
  #source!: Promise<Source>
  #found!: (source: Source) => void
  #failed!: (error: Error) => void

  constructor() {
    this.lose()
  }

  /** Nobody has the log at the moment. */
  lose(): void {
    this.#source = new Promise((resolve, reject) => {
      this.#found = resolve
      this.#failed = reject
    })
    this.#source.catch(() => {})
  }

  /** Nobody will have it any more, as far as this process is concerned: whoever reads, or waits, hears of it. */
  end(error: Error): void {
    this.#failed(error)
    this.#source = Promise.reject(error)
    this.#source.catch(() => {})
  }

  follow(remote: RemoteLog): void {
    this.#found(remote)
  }

  own(log: EventLog): void {
    this.#own = log
    this.#found(log)
  }

  /** Only the owner knows: a follower asks by writing. */
  findEventId(sessionId: string, eventId: string): number | undefined {
    return this.#own?.findEventId(sessionId, eventId)
  }

  async *read(sessionId: string, range: VersionRange): AsyncGenerator<readonly LogRecord[], void, undefined> {
    let rest = range
    yield* this.#resumed(
      source => source.read(sessionId, rest),
      (page: readonly LogRecord[]) => {
        const last = page.at(-1)?.firstVersion
        // What is read twice, whoever reads knows by its version.
        if (last !== undefined) rest = range.reverse ? { ...rest, to: last } : { ...rest, from: last }
      },
    )
  }

  async *commits(
    after: number,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly CommitRecord[], void, undefined> {
    let position = after
    yield* this.#resumed(
      source => source.commits(position, signal),
      (page: readonly CommitRecord[]) => {
        position = page.at(-1)?.lastPosition ?? position
      },
    )
  }

  async *forks(sessionId?: string): AsyncGenerator<readonly Fork[], void, undefined> {
    const all = await this.#whole(async source => {
      const found: Fork[] = []
      for await (const page of source.forks(sessionId)) found.push(...page)
      return found
    })
    if (all.length > 0) yield all
  }

  lastCommit(): Promise<CommitRecord | undefined> {
    return this.#whole(async source => source.lastCommit())
  }

  view(): Promise<LogView> {
    return this.#whole(async source => source.view())
  }

  async *#resumed<T>(
    read: (source: Source) => AsyncIterable<T>,
    note: (page: T) => void,
  ): AsyncGenerator<T, void, undefined> {
    for (;;) {
      try {
        for await (const page of read(await awaited(this.#source))) {
          note(page)
          yield page
        }
        return
      } catch (error) {
        if (!isLinkLost(error)) throw error
      }
    }
  }

  async #whole<T>(ask: (source: Source) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask(await awaited(this.#source))
      } catch (error) {
        if (!isLinkLost(error)) throw error
      }
    }
  }
}
