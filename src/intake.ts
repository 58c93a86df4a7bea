import { checkExpiry, checkId } from './arguments.ts'
import { Plan } from './batch.ts'
import type { Answer } from './duplicates.ts'
import { Behind } from './intent.ts'
import { type Channel, malformed } from './link/channel.ts'
import type { Message } from './link/frame.ts'
import { MESSAGE, OUTCOME } from './link/message.ts'
import { toWire } from './link/wire-error.ts'
import type { Append, Sent } from './log/commit.ts'
import type { LogOperation } from './log/port.ts'
import type { LogWriter } from './log/writer.ts'
import { Session } from './projection/session.ts'
import type { Recorder } from './recorder.ts'
import { readItem } from './sent-item.ts'

export interface IntakeParts {
  readonly recorder: Recorder<never>
  readonly writer: LogWriter
  /** Of the owner's own options: so many bytes may wait for the disk. */
  readonly pendingBytesMax: number
  /** Notes an event that is under way, by its id. */
  readonly note: (append: Append, written: Promise<void>) => void
  readonly touch: (sessionId: string, expiresAt: number) => void
  /** The session as it is now; undefined where there never was one. */
  readonly find: (id: string) => Session | undefined
}

/** The messages that are taken one after the other. */
const KINDS: readonly unknown[] = [MESSAGE.WRITES, MESSAGE.WRITE, MESSAGE.RESUME, MESSAGE.TOUCH]

/**
 * Takes what one follower writes: each transaction is recorded as if the owner's own caller had asked for it, in the
 * order in which they were sent. At the first that isn't recorded it says why, and takes nothing more until the follower
 * has heard of that: what comes behind was made on what that one would have made.
 */
export class Intake {
  readonly #parts: IntakeParts
  readonly #producer: string
  readonly #channel: Channel
  readonly #waiting: Message[] = []
  #halted = false
  /** The number of the last event that was taken. */
  #last = 0
  #busy = false
  #ended = false

  constructor(parts: IntakeParts, producer: string, channel: Channel) {
    this.#parts = parts
    this.#producer = producer
    this.#channel = channel
  }

  /** Takes a message that belongs here; false for any other. */
  take(message: Message): boolean {
    const [kind] = message
    if (!KINDS.includes(kind)) return false
    if (this.#busy) this.#waiting.push(message)
    else this.#handle(message)
    return true
  }

  /** Takes nothing more: the follower has gone, or writes by another link. */
  end(): void {
    this.#ended = true
  }

  #handle([kind, sequence, items, operations]: Message): void {
    if (this.#ended) return
    if (kind === MESSAGE.RESUME) this.#halted = false
    else if (this.#halted) return
    else if (kind === MESSAGE.TOUCH) this.#touch(sequence, items)
    else {
      if (!Number.isSafeInteger(sequence) || (sequence as number) < 1 || !Array.isArray(items))
        throw malformed('a transaction')
      const list = items as readonly unknown[]
      if (kind === MESSAGE.WRITE) this.#write(sequence as number, list, operations as readonly LogOperation[])
      else
        for (let index = 0; index < list.length && !this.#halted; index++)
          this.#writeOne((sequence as number) + index, list[index])
      const { writer, pendingBytesMax } = this.#parts
      if (writer.pendingBytes > pendingBytesMax) this.#pause(() => writer.settled())
    }
  }

  /** In the order of the calls: it may be of what was saved before. */
  #touch(sessionId: unknown, expiresAt: unknown): void {
    checkExpiry(expiresAt)
    this.#parts.touch(sessionId as string, expiresAt as number)
  }

  #write(sequence: number, items: readonly unknown[], operations: readonly LogOperation[]): void {
    const answers: (Answer | undefined)[] = items.map(() => undefined)
    try {
      const plan = new Plan(this.#parts.find)
      for (const [index, item] of items.entries())
        answers[index] = this.#plan(plan, item, sequence + index, index)
      if (answers.every(answer => answer === undefined)) this.#record(plan.appends, plan.bytes, operations)
      else this.#answer(sequence, answers)
    } catch (error) {
      // What needn't be recorded was counted by what was made on it.
      if (error instanceof Behind && answers.some(answer => answer !== undefined))
        this.#answer(sequence, answers)
      else this.#refuse(sequence, error)
    }
  }

  /** The same as a transaction of one, without a plan for more. */
  #writeOne(sequence: number, item: unknown): void {
    try {
      const { sessionId, intent, options } = readItem(item)
      const session = this.#parts.find(sessionId) ?? begun(sessionId)
      const prepared = this.#parts.recorder.prepare(session, intent, options)
      if (prepared !== undefined && 'append' in prepared) {
        prepared.append.sent = this.#sent(sequence)
        this.#record([prepared.append], prepared.bytes, NO_OPERATIONS)
      } else this.#write(sequence, [item], NO_OPERATIONS)
    } catch (error) {
      this.#refuse(sequence, error)
    }
  }

  /** Adds an item to what is to be written, or says why it needn't be. */
  #plan(plan: Plan, item: unknown, sequence: number, index: number): Answer | undefined {
    // Answered before.
    if (item === null) return undefined
    const { sessionId, intent, options } = readItem(item)
    checkId(sessionId)
    const session = plan.session(sessionId, options.eventId, index)
    const prepared = this.#parts.recorder.prepare(session, intent, options, plan.standing(session))
    if (prepared === undefined) return NOTHING_THERE
    if ('answer' in prepared) return prepared.answer
    prepared.append.sent = this.#sent(sequence)
    plan.add(prepared.append, prepared.bytes)
    return undefined
  }

  /** Whoever sends an event a second time has lost count: it is sent away, and finds out what was recorded. */
  #sent(sequence: number): Sent {
    if (sequence <= this.#last) {
      this.#channel.cut()
      throw malformed('an event that was taken before')
    }
    return { producer: this.#producer, sequence }
  }

  #record(appends: readonly Append[], bytes: number, operations: readonly LogOperation[]): void {
    if (appends.length === 0) return
    const { recorder, writer, note } = this.#parts
    if (writer.failure !== undefined) throw writer.failure
    this.#last = appends.at(-1)!.sent!.sequence
    const more = operations.filter(({ op }) => op === 'fork')
    const transaction = more.length === 0 ? { appends, bytes } : { appends, bytes, operations: () => more }
    if (appends.every(({ facts }) => facts.eventId === undefined)) {
      recorder.push({ ...transaction, done })
      return
    }
    // Another one of the same id may come before this is recorded.
    const written = new Promise<void>((resolve, reject) => {
      recorder.push({ ...transaction, done: error => (error === undefined ? resolve() : reject(error)) })
    })
    for (const append of appends) note(append, written)
  }

  #refuse(sequence: number, error: unknown): void {
    if (error instanceof Behind) this.#halt(sequence, OUTCOME.BEHIND)
    else this.#halt(sequence, OUTCOME.REFUSED, toWire(error))
  }

  /**
   * Answers for those that needn't be recorded, once it is clear that they are the same as what came before. Nothing is
   * recorded until the follower has made the rest again without them.
   */
  #answer(sequence: number, answers: readonly (Answer | undefined)[]): void {
    this.#halted = true
    this.#pause(async () => {
      const looked = await Promise.allSettled(answers.map(answer => (answer ? answer.receipt() : null)))
      await this.#parts.writer.settled()
      const other = looked.find(each => each.status === 'rejected')
      if (other !== undefined) this.#say(sequence, OUTCOME.REFUSED, toWire(other.reason))
      else
        this.#say(
          sequence,
          OUTCOME.ANSWERED,
          looked.map(each => (each as { value?: unknown }).value),
        )
    })
  }

  /** Says why a transaction was not recorded once the follower has what came before: it has to see why. */
  #halt(sequence: number, outcome: number, detail?: unknown): void {
    this.#halted = true
    this.#pause(async () => {
      await this.#parts.writer.settled()
      this.#say(sequence, outcome, detail)
    })
  }

  #say(sequence: number, outcome: number, detail?: unknown): void {
    if (!this.#ended) this.#channel.send(MESSAGE.HALT, sequence, outcome, detail)
  }

  /** Keeps what comes until something is done. */
  #pause(work: () => Promise<void>): void {
    this.#busy = true
    this.#channel.pause()
    const goOn = () => {
      this.#busy = false
      this.#channel.resume()
      while (this.#waiting.length > 0 && !this.#busy) this.#handle(this.#waiting.shift()!)
    }
    // What makes no sense, here as where it comes in.
    work()
      .then(goOn)
      .catch(() => this.#channel.cut())
  }
}

const NOTHING_THERE: Answer = { receipt: () => Promise.resolve(undefined as never), unproven: false }

function begun(sessionId: string): Session {
  checkId(sessionId)
  return new Session(sessionId)
}

const NO_OPERATIONS: readonly LogOperation[] = []

/** The follower hears of it by the commit, or of a failed disk as everybody does. */
function done(): void {}
