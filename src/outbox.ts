import type { Wish } from './intent.ts'
import type { Channel } from './link/channel.ts'
import { MESSAGE } from './link/message.ts'
import { MerkleTree } from './log/chain.ts'
import type { Append } from './log/commit.ts'
import { writeDraft } from './log/draft.ts'
import { RecordWriter } from './log/record-writer.ts'
import type { Pending } from './under-way.ts'

/** What a transaction adds to its events doesn't depend on what is there. */
const NO_TREE = new MerkleTree()

/** Sends transactions to the owner of the moment; without one it sends nothing. */
export class Outbox {
  readonly #drafts = new RecordWriter()
  #channel: Channel | undefined
  #held = false

  attach(channel: Channel): void {
    this.#channel = channel
    this.#held = false
  }

  detach(): void {
    this.#channel = undefined
  }

  /** The owner takes writes again from here on. */
  resume(): void {
    this.#channel?.send(MESSAGE.RESUME)
  }

  /** Throws where it is too long for a link. */
  send({ transaction, sequence, whole, receipts }: Pending): void {
    if (this.#channel === undefined) return
    this.#drafts.reset()
    const items = transaction.appends.map((append, index) =>
      receipts !== undefined && index in receipts ? null : this.#item(append, whole),
    )
    this.#channel.send(MESSAGE.WRITE, sequence, items, transaction.operations?.(NO_TREE) ?? [])
  }

  /** The process goes on for as long as something is under way. */
  hold(busy: boolean): void {
    if (busy === this.#held || this.#channel === undefined) return
    this.#held = busy
    if (busy) this.#channel.hold()
    else this.#channel.letGo()
  }

  /** `[draft, base, expectedVersion]`: without a base it is taken whatever is there. */
  #item(append: Append, whole: boolean): unknown[] {
    const { intent, expectedVersion } = append.wish as Wish
    const isSave = intent.kind === 'save'
    if (isSave && (whole || append.facts.eventId !== undefined)) append.makeWhole()
    const isFree = intent.kind === 'delete' || (isSave && append.isWhole)
    const draft = Buffer.from(writeDraft(this.#drafts, append))
    return [draft, isFree ? null : append.version - 1, expectedVersion ?? null]
  }
}
