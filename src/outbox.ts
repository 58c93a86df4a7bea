import type { ExpectedVersion } from './event.ts'
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

/** Without a base it is taken whatever is there. */
type Item = readonly [draft: Uint8Array, base: number | null, expectedVersion: ExpectedVersion | null]

/** So many go at once, while the owner works on those before. */
const GATHERED_MAX = 64
const GATHERED_BYTES_MAX = 256 * 1024

/** Sends transactions to the owner of the moment; without one it sends nothing. */
export class Outbox {
  readonly #drafts = new RecordWriter()
  #channel: Channel | undefined
  /** Transactions of one event that go in one message: from that number on. */
  #items: Item[] = []
  #sequence = 0
  #bytes = 0

  attach(channel: Channel): void {
    this.#channel = channel
    this.#clear()
  }

  detach(): void {
    this.#channel = undefined
    this.#clear()
  }

  /** The owner takes writes again from here on. */
  resume(): void {
    this.#clear()
    this.#channel?.send(MESSAGE.RESUME)
  }

  /** Throws where it is too long for a link. */
  send({ transaction, sequence, whole, ended }: Pending): void {
    if (this.#channel === undefined) return
    const { appends, operations } = transaction
    const isOne = appends.length === 1 && operations === undefined
    // Before the drafts are written: their place is used again after it.
    if (!isOne || sequence !== this.#sequence + this.#items.length) this.sendGathered()
    const items = appends.map((append, index): Item | null =>
      ended.has(index) ? null : this.#item(append, whole),
    )
    if (isOne) this.#gather(sequence, items[0]!)
    else {
      this.#channel.send(MESSAGE.WRITE, sequence, items, operations?.(NO_TREE) ?? [])
      this.#drafts.reset()
    }
  }

  /** One message holds many: as many as are sent in one tick, but no more than the owner should wait for. */
  #gather(sequence: number, item: Item): void {
    // It may be too long for a link; those before it are not.
    if (item[0].length > GATHERED_BYTES_MAX) this.sendGathered()
    if (this.#items.length === 0) {
      this.#sequence = sequence
      queueMicrotask(() => this.sendGathered())
    }
    this.#bytes += item[0].length
    this.#items.push(item)
    if (this.#items.length < GATHERED_MAX && this.#bytes <= GATHERED_BYTES_MAX) return
    this.sendGathered()
    this.#channel?.flush()
  }

  /** Sends what is gathered, before whatever is sent next by other ways. */
  sendGathered(): void {
    if (this.#items.length === 0) return
    const items = this.#items
    const sequence = this.#sequence
    this.#clear()
    this.#channel?.send(MESSAGE.WRITES, sequence, items)
  }

  #clear(): void {
    this.#items = []
    this.#bytes = 0
    this.#drafts.reset()
  }

  #item(append: Append, whole: boolean): Item {
    const { intent, expectedVersion } = append.wish as Wish
    const isSave = intent.kind === 'save'
    if (isSave && (whole || append.facts.eventId !== undefined)) append.makeWhole()
    const isFree = intent.kind === 'delete' || (isSave && append.isWhole)
    const draft = writeDraft(this.#drafts, append)
    return [draft, isFree ? null : append.version - 1, expectedVersion ?? null]
  }
}
