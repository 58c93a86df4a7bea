import type { Durability } from './event.ts'
import type { Intake } from './intake.ts'
import { Answerer, type Method } from './link/answerer.ts'
import { type Channel, malformed } from './link/channel.ts'
import type { Message } from './link/frame.ts'
import { readFollowed } from './log/followed.ts'
import { commitToPlain, type PlainCommit, type PlainRecord, recordToPlain } from './log/plain-form.ts'
import type { EventLog, LogView, StoreRecord } from './log/port.ts'
import type { Recorder } from './recorder.ts'
import { worksOf } from './remote-work.ts'
import type { Work } from './work.ts'

/** What the owner does for followers. */
export interface Hosting {
  readonly record: StoreRecord
  readonly durability: Durability
  readonly log: EventLog
  readonly recorder: Recorder<never>
  /** Calls back between two commits: with the position of the one before. */
  readonly between: (call: (position: number) => void) => Promise<void>
  /** Resolves once what is under way is recorded. */
  readonly settled: () => Promise<void>
  /** When sessions end by themselves, as far as it is recorded; the others don't. */
  readonly expiries: () => Iterable<SessionExpiry>
  readonly intake: (producer: string, channel: Channel) => Intake
  readonly flush: () => Promise<void>
  readonly work: Work
}

export type SessionExpiry = readonly [sessionId: string, expiresAt: number]

/** What a follower is told of the store when it joins. */
export interface Joined {
  readonly record: StoreRecord
  readonly durability: Durability
  /** Commits after it will be sent; those before it are to be asked for. */
  readonly position: number
  /** The store's clock, ms since the epoch. */
  readonly recordedAt: number
  /** By which the log as of that position is read. */
  readonly view: number
}

/** One follower, as its owner sees it. */
export class Guest {
  readonly #channel: Channel
  readonly #hosting: Hosting
  readonly #answerer: Answerer
  readonly #onJoin: (guest: Guest, producer: string) => Promise<void>
  readonly #views = new Map<number, LogView>()
  #viewed = 0
  /** As of the position at which it joined. */
  #expiries: SessionExpiry[] = []
  #intake: Intake | undefined
  /** Whether it is sent what is committed. */
  #live = false
  #silent = false
  producer = ''

  /** `onJoin` is told who this is, and lets go of an older link of the same follower. */
  constructor(channel: Channel, hosting: Hosting, onJoin: (guest: Guest, producer: string) => Promise<void>) {
    this.#channel = channel
    this.#hosting = hosting
    this.#onJoin = onJoin
    this.#answerer = new Answerer(channel, this.#methods())
    channel.onEnd(() => this.#end())
    channel.onMessage(message => this.#take(message))
  }

  commit(message: Buffer): void {
    if (this.#live) this.#channel.sendEncoded(message)
  }

  send(...message: Message): void {
    if (this.#live) this.#channel.send(...message)
  }

  /** The owner is closing: it takes nothing any more, and only tells of what is still committed. */
  silence(): void {
    this.#silent = true
    this.#answerer.silence()
    this.#intake?.end()
  }

  cut(): void {
    this.#channel.cut()
  }

  #take(message: Message): void {
    if (this.#silent) return
    if (this.#answerer.take(message) || this.#intake?.take(message)) return
    throw malformed(`kind ${message[0]}`)
  }

  #methods(): Readonly<Record<string, Method>> {
    const { log, flush, work } = this.#hosting
    return {
      join: ([producer]) => this.#join(producer as string),
      openView: () => this.#openView(log.view()),
      closeView: ([id]) => this.#closeView(id as number),
      view: ([id, part, after], { page }) => this.#view(id as number, part as string, after as number, page),
      expiries: async (_, { page }) => {
        while (this.#expiries.length > 0) await page(this.#expiries.splice(-EXPIRIES_MAX))
      },
      since: async ([after, to], { signal, page }) => {
        for await (const { commit, records } of readFollowed(log, after as number, to as number, signal))
          await inParts(commitToPlain(commit), records.map(recordToPlain), page)
      },
      read: async ([sessionId, from, to, reverse], { signal, page }) => {
        const range = { from: from as number, to: to as number, reverse: reverse as boolean, signal }
        for await (const records of log.read(sessionId as string, range))
          await page(records.map(recordToPlain))
      },
      commits: async ([after], { signal, page }) => {
        for await (const commits of log.commits(after as number, signal))
          await page(commits.map(commitToPlain))
      },
      lastCommit: async () => {
        const last = await log.lastCommit()
        return last && commitToPlain(last)
      },
      forks: async ([sessionId], { page }) => {
        for await (const forks of log.forks(sessionId as string | undefined)) await page(forks)
      },
      flush: () => flush(),
      ...worksOf(work),
    }
  }

  async #join(producer: string): Promise<Joined> {
    if (!/^[0-9a-f]{32}$/.test(producer) || this.producer !== '') throw malformed('a producer')
    const { record, durability, recorder, between, intake, log, expiries } = this.#hosting
    await this.#onJoin(this, producer)
    this.producer = producer
    let joined: Joined | undefined
    await between(position => {
      const recordedAt = recorder.now()
      joined = { record, durability, position, recordedAt, view: this.#openView(log.view()) }
      this.#expiries = [...expiries()]
      this.#intake = intake(producer, this.#channel)
      this.#live = true
    })
    return joined!
  }

  #openView(view: LogView): number {
    this.#views.set(++this.#viewed, view)
    return this.#viewed
  }

  async #closeView(id: number): Promise<void> {
    const view = this.#views.get(id)
    this.#views.delete(id)
    await view?.close()
  }

  async #view(
    id: number,
    part: string,
    after: number,
    page: (page: unknown) => Promise<void>,
  ): Promise<unknown> {
    const view = this.#views.get(id)
    if (view === undefined) throw malformed('no such view')
    if (part === 'frontier') return view.readFrontier()
    if (part === 'bases') for await (const bases of view.bases()) await page(bases)
    else if (part === 'expiries') for await (const expiries of view.expiries()) await page(expiries)
    else if (part === 'pruned') for await (const pruned of view.pruned()) await page(pruned)
    else if (part === 'retentions') for await (const retentions of view.retentions()) await page(retentions)
    else if (part === 'commits')
      for await (const commits of view.commits(after)) await page(commits.map(commitToPlain))
    else
      for await (const records of part === 'tail' ? view.tail() : view.sealed())
        await page(records.map(recordToPlain))
  }

  #end(): void {
    this.#live = false
    this.#intake?.end()
    for (const id of [...this.#views.keys()]) void this.#closeView(id).catch(() => {})
  }
}

/** So many go in one page. */
const EXPIRIES_MAX = 1000
/** So much of a commit goes in one page. */
const PART_BYTES_MAX = 16 * 1024 * 1024

/** A commit may be longer than a frame: its records go in parts, the commit with the last of them. */
async function inParts(
  commit: PlainCommit,
  records: readonly PlainRecord[],
  page: (page: unknown) => Promise<void>,
): Promise<void> {
  let part: PlainRecord[] = []
  let bytes = 0
  for (const record of records) {
    if (part.length > 0 && bytes + record[3].length > PART_BYTES_MAX) {
      await page([null, part])
      part = []
      bytes = 0
    }
    part.push(record)
    bytes += record[3].length
  }
  await page([commit, part])
}
