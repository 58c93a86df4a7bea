import { builtOn } from './forwarding-errors.ts'
import type { Append } from './log/commit.ts'
import type { Forwarded } from './log/port.ts'
import type { Answered, Transaction } from './log/writer.ts'
import type { Session } from './projection/session.ts'
import { Vigil } from './vigil.ts'

/** A transaction that the owner has not answered yet. */
export interface Pending {
  readonly transaction: Transaction
  /** Of its first event: a follower counts what it sends. */
  readonly sequence: number
  /** When it was made, by `performance.now()`. */
  readonly sentMs: number
  /** How many of its events are neither recorded nor answered yet. */
  left: number
  /** Of a transaction of several: which of them are. */
  readonly ended: Set<number>
  /** What the owner answered with in place of recording, by event. */
  receipts: unknown[] | undefined
  /** True where somebody else was first: then a save goes as a whole, to be taken whatever is there. */
  whole: boolean
}

/** Of a transaction of one: once that is recorded, nobody asks. */
const NONE: Set<number> = new Set()

/** What a follower has sent and not seen recorded, in the order of the calls. The process goes on until there is nothing. */
export class UnderWay {
  readonly #producer: string
  readonly #list: Pending[] = []
  readonly #vigil = new Vigil()
  /** By the numbers of their events. */
  readonly #events = new Map<number, Pending>()
  /** How many events of a session are under way. */
  readonly #ahead = new Map<Session, number>()
  readonly #waiting: { readonly until: number; readonly resolve: () => void }[] = []
  #sequence = 0
  bytes = 0

  constructor(producer: string) {
    this.#producer = producer
  }

  get all(): readonly Pending[] {
    return this.#list
  }

  /** The sessions that have events under way. */
  get sessions(): Session[] {
    return [...this.#ahead.keys()]
  }

  /** How many events of a session are under way. */
  countOf(session: Session): number {
    return this.#ahead.get(session) ?? 0
  }

  add(transaction: Transaction): Pending {
    const { appends, bytes } = transaction
    const sequence = this.#sequence + 1
    const pending: Pending = {
      transaction,
      sequence,
      sentMs: performance.now(),
      ended: appends.length > 1 ? new Set() : NONE,
      left: appends.length,
      receipts: undefined,
      whole: false,
    }
    for (const append of appends) {
      append.sent = { producer: this.#producer, sequence: ++this.#sequence }
      this.#events.set(this.#sequence, pending)
      const session = append.head as Session
      this.#ahead.set(session, (this.#ahead.get(session) ?? 0) + 1)
    }
    this.#list.push(pending)
    this.#vigil.begin()
    this.bytes += bytes
    return pending
  }

  /** The events of a session that are under way, in order. */
  of(session: Session): { readonly pending: Pending; readonly append: Append }[] {
    const found = []
    for (const [sequence, pending] of this.#events) {
      const append = appendOf(pending, sequence)
      if (append.head === session) found.push({ append, pending })
    }
    return found
  }

  /** Those of ours among what was recorded, by position. */
  ours(forwarded: readonly Forwarded[]): Map<number, Append> {
    const ours = new Map<number, Append>()
    for (const { producer, sequence, position, count } of forwarded) {
      if (producer !== this.#producer) continue
      for (let n = 0; n < count; n++) {
        const pending = this.#events.get(sequence + n)
        if (pending !== undefined) ours.set(position + n, appendOf(pending, sequence + n))
      }
    }
    return ours
  }

  /** Lets go of an event; answers with its transaction where that was the last one of it. */
  end(sequence: number): Pending | undefined {
    const pending = this.#events.get(sequence)
    if (pending === undefined) return undefined
    this.#events.delete(sequence)
    const session = appendOf(pending, sequence).head as Session
    const ahead = this.#ahead.get(session)! - 1
    if (ahead === 0) this.#ahead.delete(session)
    else this.#ahead.set(session, ahead)
    pending.left--
    if (pending.ended !== NONE) pending.ended.add(sequence - pending.sequence)
    return pending.left === 0 ? this.#remove(pending) : undefined
  }

  /** The owner has answered for an event in place of recording it. */
  answer(pending: Pending, index: number, receipt: unknown): void {
    pending.receipts ??= []
    pending.receipts[index] = receipt
    this.end(pending.sequence + index)?.transaction.done(undefined, answered(pending.receipts))
  }

  /** A transaction is refused, and with it whatever was made on what it would have made. */
  reject(pending: Pending, error: Error): void {
    const later = this.#builtOn(pending)
    this.refuse(pending, error)
    for (const each of later) this.refuse(each, builtOn(each, error))
  }

  refuse(pending: Pending, error: Error): void {
    this.drop(pending)
    pending.transaction.done(error)
  }

  /** Lets go of a transaction, whatever has become of it. */
  drop(pending: Pending): void {
    for (const { sent } of pending.transaction.appends) this.end(sent!.sequence)
  }

  /** The transactions that were made on what another one made, and those made on these. */
  #builtOn({ transaction, sequence }: Pending): Pending[] {
    const sessions = new Set(transaction.appends.map(append => append.head))
    return this.#list.filter(later => {
      const { appends } = later.transaction
      if (later.sequence <= sequence || !appends.some(append => sessions.has(append.head))) return false
      for (const append of appends) sessions.add(append.head)
      return true
    })
  }

  /** Resolves once all that is under way by now is recorded or rejected. */
  settled(): Promise<void> {
    if (this.#list.length === 0) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push({ until: this.#sequence, resolve }))
  }

  #remove(pending: Pending): Pending {
    // Most are the first: they end in the order in which they were sent.
    if (this.#list[0] === pending) this.#list.shift()
    else this.#list.splice(this.#list.indexOf(pending), 1)
    if (this.#list.length === 0) this.#vigil.end()
    this.bytes -= pending.transaction.bytes
    const first = this.#list[0]?.sequence ?? Number.POSITIVE_INFINITY
    while (this.#waiting.length > 0 && this.#waiting[0]!.until < first) this.#waiting.shift()!.resolve()
    return pending
  }
}

function appendOf({ transaction, sequence: first }: Pending, sequence: number): Append {
  return transaction.appends[sequence - first]!
}

export function answered(receipts: unknown[] | undefined): Answered | undefined {
  return receipts && { receipts }
}
