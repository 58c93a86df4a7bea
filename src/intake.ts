import { Plan } from './batch.ts'
import type { Answer } from './duplicates.ts'
import type { ExpectedVersion } from './event.ts'
import { Behind, type Intent, type RecordOptions } from './intent.ts'
import { type Channel, malformed } from './link/channel.ts'
import type { Message } from './link/frame.ts'
import { MESSAGE, OUTCOME } from './link/message.ts'
import { toWire } from './link/wire-error.ts'
import { type Draft, readDraft } from './log/draft.ts'
import type { LogOperation } from './log/port.ts'
import { KIND } from './log/record.ts'
import type { LogWriter } from './log/writer.ts'
import type { Session } from './projection/session.ts'
import type { Recorder } from './recorder.ts'

export interface IntakeParts {
  readonly recorder: Recorder<never>
  readonly writer: LogWriter
  /** Of the owner's own options: so many bytes may wait for the disk. */
  readonly pendingBytesMax: number
  /** The session as it is now; undefined where there never was one. */
  readonly find: (id: string) => Session | undefined
}

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
  #busy = false
  #ended = false

  constructor(parts: IntakeParts, producer: string, channel: Channel) {
    this.#parts = parts
    this.#producer = producer
    this.#channel = channel
  }

  /** Takes a message that belongs here; false for any other. */
  take(message: Message): boolean {
    if (message[0] !== MESSAGE.WRITE && message[0] !== MESSAGE.RESUME) return false
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
    if (kind === MESSAGE.RESUME) {
      this.#halted = false
    } else if (!this.#halted) {
      this.#write(sequence as number, items as readonly unknown[], operations as readonly LogOperation[])
      const { writer, pendingBytesMax } = this.#parts
      if (writer.pendingBytes > pendingBytesMax) this.#pause(() => writer.settled())
    }
  }

  #write(sequence: number, items: readonly unknown[], operations: readonly LogOperation[]): void {
    try {
      const plan = new Plan(this.#parts.find)
      const answers: (Answer | undefined)[] = items.map((item, index) => {
        if (item === null) return undefined
        const { draft, intent, options } = this.#read(item, sequence + index)
        const session = plan.session(draft.sessionId, options.eventId, index)
        const prepared = this.#parts.recorder.prepare(session, intent, options, plan.standing(session))
        if (prepared === undefined) return NOTHING_THERE
        if ('answer' in prepared) return prepared.answer
        plan.add(prepared.append, prepared.bytes)
        return undefined
      })
      if (answers.every(answer => answer === undefined)) this.#record(plan, operations)
      else this.#answer(sequence, items.length, answers, plan, operations)
    } catch (error) {
      if (error instanceof Behind) this.#halt(sequence, OUTCOME.BEHIND)
      else this.#halt(sequence, OUTCOME.REFUSED, toWire(error))
    }
  }

  #record(plan: Plan, operations: readonly LogOperation[]): void {
    if (plan.appends.length === 0) return
    const more = operations.filter(({ op }) => op === 'fork')
    const written = this.#parts.recorder.write(
      plan.appends,
      plan.bytes,
      () => {},
      more.length === 0 ? undefined : () => more,
    )
    // The followers hear of a failed disk, and the owner's own callers too.
    written.catch(() => {})
  }

  /** What needn't be recorded has to be looked up first: whether it is the same as what came before. */
  #answer(
    sequence: number,
    count: number,
    answers: readonly (Answer | undefined)[],
    plan: Plan,
    operations: readonly LogOperation[],
  ): void {
    this.#halted = true
    this.#pause(async () => {
      try {
        const receipts = await Promise.all(answers.map(answer => (answer ? answer.receipt() : null)))
        if (this.#ended) return
        plan.checkUntouched()
        this.#record(plan, operations)
        await this.#parts.writer.settled()
        this.#channel.send(MESSAGE.HALT, sequence, OUTCOME.ANSWERED, receipts.slice(0, count))
      } catch (error) {
        this.#channel.send(MESSAGE.HALT, sequence, OUTCOME.REFUSED, toWire(error))
      }
    })
  }

  #read(item: unknown, sequence: number): { draft: Draft; intent: Intent; options: RecordOptions } {
    const [bytes, base, expected] = item as [Uint8Array, number | null, ExpectedVersion | null]
    if (!(bytes instanceof Uint8Array)) throw malformed('a draft')
    const draft = readDraft(bytes)
    const { schemaVersion, ...facts } = draft.facts
    const options = { ...facts, sent: { producer: this.#producer, sequence } } as RecordOptions
    if (expected !== null) options.expectedVersion = expected
    return { draft, intent: intentOf(draft, base), options }
  }

  /** Says why a transaction was not recorded once the follower has what came before: it has to see why. */
  #halt(sequence: number, outcome: number, detail?: unknown): void {
    this.#halted = true
    this.#pause(async () => {
      await this.#parts.writer.settled()
      this.#channel.send(MESSAGE.HALT, sequence, outcome, detail)
    })
  }

  /** Keeps what comes until something is done. */
  #pause(work: () => Promise<void>): void {
    this.#busy = true
    this.#channel.pause()
    void work().finally(() => {
      this.#busy = false
      this.#channel.resume()
      while (this.#waiting.length > 0 && !this.#busy) this.#handle(this.#waiting.shift()!)
    })
  }
}

const NOTHING_THERE: Answer = { receipt: () => Promise.resolve(undefined as never), unproven: false }

function intentOf({ kind, changes, state }: Draft, base: number | null): Intent {
  if (kind === KIND.DELETED) return { kind: 'delete' }
  if (base !== null) return { kind: 'changes', changes, base }
  if (kind !== KIND.WHOLE) throw malformed('changes without a base')
  return { kind: 'save', state, checked: true }
}
