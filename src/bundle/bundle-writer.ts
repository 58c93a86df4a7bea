import { decodePayload, rewriteEvent } from '../log/codec.ts'
import type { ReadableLog } from '../log/readable-log.ts'
import { KIND, packRecord, type RawEvent } from '../log/record.ts'
import { RecordWriter } from '../log/record-writer.ts'
import type { WholeTree } from '../proof/whole-tree.ts'
import type { BundledSession } from './bundle-log.ts'
import { type BundleHeader, encodeHeader } from './header.ts'
import { encodeItem, ITEM, type Item } from './item.ts'
import { Redaction } from './redaction.ts'
import { Seal } from './seal.ts'

export interface BundleCounts {
  readonly sessions: number
  /** Those before the first that is shown included: a state is made from them. */
  readonly events: number
  /** Of the events, how many had something to hide. */
  readonly redacted: number
}

/** Events are put together in records of about this size: gzip works on 32 kB at a time. */
const RECORD_BYTES = 64 * 1024

/** Writes sessions as the items of a bundle, one event after another: nothing of them is kept. */
export class BundleWriter {
  readonly #log: ReadableLog
  readonly #tree: WholeTree
  readonly #header: BundleHeader
  readonly #redaction: Redaction | undefined
  readonly #sign: (text: string) => string | undefined
  readonly #writer = new RecordWriter()
  #counts = { sessions: 0, events: 0, redacted: 0 }

  /** `tree` is that of the header's position and root; `sign` makes a signed note of a text, where there is a key. */
  constructor(
    log: ReadableLog,
    tree: WholeTree,
    header: BundleHeader,
    sign: (text: string) => string | undefined,
  ) {
    this.#sign = sign
    this.#log = log
    this.#tree = tree
    this.#header = header
    this.#redaction = header.redacted && new Redaction(header.redacted)
  }

  get counts(): BundleCounts {
    return { ...this.#counts }
  }

  async *write(
    sessions: readonly BundledSession[],
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer, void, undefined> {
    const seal = new Seal(this.#header.origin)
    yield seal.add(encodeItem(encodeHeader(this.#header)))
    for (const session of sessions) {
      for await (const item of this.#session(session, signal)) yield seal.add(encodeItem(item))
      this.#counts.sessions++
    }
    const text = seal.end()
    yield encodeItem([ITEM.END, this.#counts.sessions, this.#counts.events, this.#sign(text) ?? text])
  }

  /**
   * The event after another one proves it, because it carries its hash: unless its own bytes are not shown. So a proof
   * of its own is what the last event needs, and each that comes before a redacted one.
   */
  async *#session(
    { id, first, last, head }: BundledSession,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Item, void, undefined> {
    yield [ITEM.SESSION, id, first, last, head]
    this.#redaction?.begin()
    let run: RawEvent[] = []
    let bytes = 0
    let before: RawEvent | undefined
    const from = await this.#start(id, first)
    for await (const record of this.#log.session(id, { from, to: last, signal })) {
      for (const event of record) {
        const redacted = this.#redact(event)
        if (run.length > 0 && (redacted !== undefined || bytes > RECORD_BYTES)) {
          yield recordOf(run)
          run = []
          bytes = 0
        }
        if (redacted !== undefined) {
          if (before !== undefined) yield this.#proofOf(before)
          yield [ITEM.REDACTED, event.version, redacted, Buffer.from(event.hash, 'hex')]
        } else {
          run.push(event)
          bytes += event.bytes.length
        }
        before = event
        this.#counts.events++
      }
    }
    if (run.length > 0) yield recordOf(run)
    yield this.#proofOf(before!)
  }

  /** Where to begin so that the state before the first event can be made: with an event that holds a whole one. */
  async #start(id: string, first: number): Promise<number> {
    if (first === 1) return 1
    const { start } = this.#log.extent(id)
    for await (const record of this.#log.session(id, { from: start, to: first - 1, reverse: true })) {
      const whole = record.find(event => event.kind !== KIND.CHANGES)
      if (whole !== undefined) return whole.version
    }
    return start
  }

  /** The event's record without what is to be hidden; undefined where it has nothing of that. */
  #redact(event: RawEvent): Uint8Array | undefined {
    if (this.#redaction === undefined) return undefined
    const payload = decodePayload(event)
    const shown = this.#redaction.redact(event.kind, payload)
    if (shown === payload) return undefined
    this.#counts.redacted++
    this.#writer.reset()
    this.#writer.beginRecord()
    rewriteEvent(this.#writer, event, shown)
    return Buffer.from(this.#writer.endRecord(this.#writer.endEvent()))
  }

  #proofOf({ position }: RawEvent): Item {
    return [ITEM.PROOF, this.#tree.inclusionProof(position - 1).map(hash => Buffer.from(hash, 'hex'))]
  }
}

function recordOf(events: readonly RawEvent[]): Item {
  return [ITEM.RECORD, events[0]!.version, packRecord(events)]
}
