import type { SessionlogError } from './errors.ts'
import { ended, gap } from './forwarding-errors.ts'
import type { Channel } from './link/channel.ts'
import { OUTCOME } from './link/message.ts'
import { fromWire } from './link/wire-error.ts'
import { decodeEvent } from './log/codec.ts'
import type { Append } from './log/commit.ts'
import type { FollowedCommit } from './log/followed.ts'
import { type RawEvent, readRecord } from './log/record.ts'
import type { LogWriter, Transaction } from './log/writer.ts'
import { Outbox } from './outbox.ts'
import type { Cache } from './projection/cache.ts'
import type { Commits } from './projection/commits.ts'
import { followEvent } from './projection/followed-event.ts'
import { Session } from './projection/session.ts'
import { Slabs } from './projection/slab.ts'
import { answered, type Pending, UnderWay } from './under-way.ts'

export interface ForwarderParts {
  /** This follower's random id. */
  readonly producer: string
  readonly cache: Cache
  readonly commits: Commits
  /**
   * Makes an event again on what its session is by now; with `expects` only where that is as the caller expected, and
   * false where there is nothing left to be done.
   */
  readonly remake: (append: Append, expects: boolean) => boolean
  /** Has the owner make durable what it has. */
  readonly flush: () => Promise<void>
}

/**
 * What a follower writes through: sends its events to the owner, shows them until then as they will probably be, and
 * takes in what was recorded, its own and others'. What the owner didn't record, because somebody else was first, is
 * made again on what is there now and sent again, with all that came behind it: the order of the calls is kept.
 */
export class Forwarder implements LogWriter {
  readonly #parts: ForwarderParts
  readonly #underWay: UnderWay
  readonly #outbox = new Outbox()
  readonly #slabs = new Slabs()
  #ended = false
  #remaking = false
  #position: number
  #heardMs = 0
  #failure: SessionlogError | undefined

  constructor(parts: ForwarderParts, position: number) {
    this.#parts = parts
    this.#underWay = new UnderWay(parts.producer)
    this.#position = position
  }

  get position(): number {
    return this.#position
  }

  get pending(): number {
    return this.#underWay.all.length
  }

  get pendingBytes(): number {
    return this.#underWay.bytes
  }

  /** For how long the first of what is under way has waited; 0 where nothing is. */
  get waitedMs(): number {
    const first = this.#underWay.all[0]
    return first === undefined ? 0 : performance.now() - Math.max(first.sentMs, this.#heardMs)
  }

  get failure(): SessionlogError | undefined {
    return this.#failure
  }

  /** Throws where the transaction is too long for a link: then nothing has changed. */
  push(transaction: Transaction): void {
    const pending = this.#underWay.add(transaction)
    try {
      if (this.#ended) throw ended()
      // What is made while the rest is made again goes with it.
      if (!this.#remaking) this.#outbox.send(pending)
    } catch (error) {
      this.#underWay.drop(pending)
      throw error
    }
  }

  /** Whatever is sent next by other ways comes after what was pushed. */
  sendGathered(): void {
    this.#outbox.sendGathered()
  }

  async makeDurable(): Promise<void> {
    await this.settled()
    await this.#parts.flush()
  }

  settled(): Promise<void> {
    return this.#underWay.settled()
  }

  async end(): Promise<void> {
    this.#ended = true
    await this.settled()
  }

  /** Goes on with an owner whose commits until now have been taken in. */
  attach(channel: Channel): void {
    this.#failure = undefined
    this.#outbox.attach(channel)
    this.#remake(this.#underWay.sessions, false)
    this.#resend()
  }

  /** The owner has gone; what is under way waits for the next one. */
  detach(): void {
    this.#outbox.detach()
  }

  /**
   * The log is this process's own now: gives back what is under way, made again on what is there. `known` answers for an
   * event that was recorded before, by its id.
   */
  surrender(known: (append: Append) => Promise<unknown> | undefined): Transaction[] {
    this.#outbox.detach()
    const { sessions } = this.#underWay
    for (const pending of [...this.#underWay.all]) {
      for (const [index, append] of pending.transaction.appends.entries()) {
        const receipt = known(append)
        if (receipt !== undefined) this.#underWay.answer(pending, index, receipt)
      }
    }
    this.#remake(sessions, true)
    // Of a transaction of several some may be recorded, or answered, already.
    const left = [...this.#underWay.all].map(pending => {
      const { transaction, receipts, ended } = pending
      const appends = transaction.appends.filter((_, index) => !ended.has(index))
      this.#underWay.drop(pending)
      for (const append of appends) append.sent = undefined
      const done: Transaction['done'] = error => transaction.done(error, answered(receipts))
      return { ...transaction, appends, done }
    })
    return left
  }

  /** Takes in a commit. Throws where it doesn't follow on what is here. */
  commit({ commit, records }: FollowedCommit): void {
    if (commit.firstPosition !== this.#position + 1) throw gap(this.#position + 1)
    const { cache, commits } = this.#parts
    const events = new Map<Session, RawEvent[]>()
    for (const record of records)
      events.set(cache.sessions.get(record.sessionId) ?? new Session(record.sessionId), readRecord(record))
    const ours = this.#underWay.ours(commit.forwarded)
    const done = [...ours.values()].flatMap(({ sent }) => this.#underWay.end(sent!.sequence) ?? [])
    cache.follow(events.keys(), session => {
      const ahead = this.#underWay.countOf(session)
      for (const event of events.get(session)!)
        followEvent(session, event, { own: ours.get(event.position), ahead, slabs: this.#slabs })
    })
    this.#position = commit.lastPosition
    this.#heardMs = performance.now()
    commits.followed(() => decodeAll([...events.values()].flat()))
    for (const { transaction, receipts } of done) transaction.done(undefined, answered(receipts))
  }

  /** The owner didn't record a transaction, nor takes anything that was sent behind it. */
  halt(sequence: number, outcome: number, detail: unknown): void {
    const pending = this.#underWay.all.find(each => each.sequence === sequence)
    const { sessions } = this.#underWay
    if (pending !== undefined) {
      if (outcome === OUTCOME.BEHIND) pending.whole = true
      else if (outcome === OUTCOME.REFUSED) this.#underWay.reject(pending, fromWire(detail))
      else
        for (const [index, receipt] of (detail as unknown[]).entries())
          if (receipt !== null) this.#underWay.answer(pending, index, receipt)
    }
    this.#remake(sessions, false)
    this.#resend()
  }

  /** The owner's disk has failed. */
  fail(error: SessionlogError): void {
    this.#failure = error
    this.refuseAll(error)
  }

  /** Nothing of what is under way will be recorded. */
  refuseAll(error: SessionlogError): void {
    const { all, sessions } = this.#underWay
    for (const pending of [...all]) this.#underWay.refuse(pending, error)
    this.#remake(sessions, false)
  }

  /** Makes what is under way again, on what is recorded by now. */
  #remake(sessions: readonly Session[], expects: boolean): void {
    this.#remaking = true
    for (let failed: Map<Pending, Error>; ; ) {
      failed = new Map()
      this.#parts.cache.follow(sessions, session => {
        session.rollBack()
        for (const { append, pending } of this.#underWay.of(session)) {
          try {
            if (failed.has(pending)) continue
            if (this.#parts.remake(append, expects)) session.change(append)
            else this.#underWay.answer(pending, append.sent!.sequence - pending.sequence, undefined)
          } catch (error) {
            failed.set(pending, error as Error)
          }
        }
      })
      if (failed.size === 0) break
      for (const [pending, error] of failed) this.#underWay.reject(pending, error)
    }
    this.#remaking = false
  }

  /** Sends what is under way, to an owner that takes nothing else until then. REQUIRES: it has been made again. */
  #resend(): void {
    this.#outbox.resume()
    for (const pending of [...this.#underWay.all]) {
      if (!this.#underWay.all.includes(pending)) continue
      try {
        this.#outbox.send(pending)
      } catch (error) {
        // As a whole it is too long for a link.
        const { sessions } = this.#underWay
        this.#underWay.reject(pending, error as Error)
        this.#remake(sessions, false)
      }
    }
    // What was touched is sent again after this.
    this.#outbox.sendGathered()
  }
}

function decodeAll(events: RawEvent[]) {
  return events.sort((a, b) => a.position - b.position).map(decodeEvent)
}
