import { NO_HASH } from '../log/chain.ts'
import { decodePayload, type EventPayload, rewriteEvent } from '../log/codec.ts'
import type { ReadableLog } from '../log/readable-log.ts'
import { type EventHeader, KIND, packRecord, type RawEvent } from '../log/record.ts'
import { RecordWriter } from '../log/record-writer.ts'
import { stateAtVersion } from '../projection/time-travel.ts'
import type { WholeTree } from '../proof/whole-tree.ts'
import type { Changes } from '../state/changes.ts'
import { DELETION } from '../state/reconcile.ts'
import type { BundledSession } from './bundle-log.ts'
import { type BundleCounts, type BundleHeader, encodeHeader } from './header.ts'
import { encodeItem, ITEM, type Item } from './item.ts'
import { Redaction } from './redaction.ts'
import { Seal } from './seal.ts'

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

  /** What was to be hidden, and was nowhere. */
  get unmatched(): string[] {
    return [...(this.#redaction?.unmatched ?? [])]
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
    let run: RawEvent[] = []
    let bytes = 0
    let before: RawEvent | undefined
    if (first > 1) {
      const [event, item] = await this.#before(id, first, signal)
      yield item
      before = event
    }
    for await (const record of this.#log.session(id, { from: first, to: last, signal })) {
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

  /**
   * The event before the first that is shown, with nothing of what it says but the whole state after it: what came
   * before is nobody's business.
   */
  async #before(id: string, first: number, signal: AbortSignal | undefined): Promise<[RawEvent, Item]> {
    const version = first - 1
    const [event] = (await this.#log.record(id, version)).filter(each => each.version === version)
    const { state, schemaVersion } = await stateAtVersion(this.#log, id, version, signal)
    const kind = state === undefined ? KIND.DELETED : KIND.WHOLE
    const changes: Changes = state === undefined ? DELETION : [{ op: 'replace', path: '', value: state }]
    const payload = { facts: { schemaVersion: schemaVersion || undefined }, changes, state }
    const shown = this.#redaction?.redact(kind, payload) ?? payload
    const record = this.#encode({ ...event!, kind, previousHash: NO_HASH, expiresAt: undefined }, shown)
    return [event!, [ITEM.REDACTED, version, record, Buffer.from(event!.hash, 'hex')]]
  }

  /** The event's record without what is to be hidden; undefined where it has nothing of that. */
  #redact(event: RawEvent): Uint8Array | undefined {
    if (this.#redaction === undefined) return undefined
    const payload = decodePayload(event)
    const shown = this.#redaction.redact(event.kind, payload)
    if (shown === payload) return undefined
    this.#counts.redacted++
    return this.#encode(event, shown)
  }

  #encode(event: EventHeader, payload: EventPayload): Uint8Array {
    this.#writer.reset()
    this.#writer.beginRecord()
    rewriteEvent(this.#writer, event, payload)
    return Buffer.from(this.#writer.endRecord(this.#writer.endEvent()))
  }

  #proofOf({ position }: RawEvent): Item {
    return [ITEM.PROOF, this.#tree.inclusionProof(position - 1).map(hash => Buffer.from(hash, 'hex'))]
  }
}

function recordOf(events: readonly RawEvent[]): Item {
  return [ITEM.RECORD, events[0]!.version, packRecord(events)]
}
