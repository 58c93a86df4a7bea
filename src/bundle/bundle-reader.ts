import { SessionlogError } from '../errors.ts'
import { corrupted, KIND, type RawEvent, readRecord } from '../log/record.ts'
import { verifyCheckpoint } from '../proof/checkpoint.ts'
import { parseNote, verifyNote } from '../proof/note.ts'
import { invalidProof } from '../proof/text-form.ts'
import { provesInclusion } from '../proof/tree.ts'
import { type BundledSession, BundleLog } from './bundle-log.ts'
import { checkEvent, isId } from './event-check.ts'
import { type BundleCounts, type BundleHeader, decodeHeader } from './header.ts'
import { damaged, decodeItem, ITEM, type Item } from './item.ts'
import { Seal } from './seal.ts'

/** The session whose events are being read. */
interface Current extends BundledSession {
  event: RawEvent | undefined
  /** Whether something vouches for the last event read. */
  proved: boolean
}

/**
 * Takes in the items of a bundle and checks all that they say: hashes, links, that each event is proved to be in the
 * tree of the header, by its own proof or by the event after it, and that nothing is missing.
 */
export class BundleReader {
  readonly log = new BundleLog()
  #header: BundleHeader | undefined
  #session: Current | undefined
  #seal: Seal | undefined
  /** What the last item says, of which the text is right. */
  #note: string | undefined
  #counts = { sessions: 0, events: 0, redacted: 0 }

  get counts(): BundleCounts {
    return { ...this.#counts }
  }

  take(bytes: Buffer): void {
    const item = decodeItem(bytes)
    if (this.#header === undefined) {
      this.#header = decodeHeader(item)
      this.#seal = new Seal(this.#header.origin)
    } else this.#takeNext(item)
    if (item[0] !== ITEM.END) this.#seal!.add(bytes)
  }

  #takeNext([kind, ...fields]: Item): void {
    if (this.#note !== undefined) throw damaged('goes on after its end')
    if (kind === ITEM.SESSION) this.#begin(fields)
    else if (kind === ITEM.RECORD) this.#takeRecord(fields[0], fields[1])
    else if (kind === ITEM.REDACTED) this.#takeRedacted(fields)
    else if (kind === ITEM.PROOF) this.#takeProof(fields[0])
    else if (kind === ITEM.END) this.#end(fields)
    else throw damaged('has a second header')
  }

  /** The header, once all has been taken in; with keys, one that one of them signed, with all that follows it. */
  finish(keys?: string | readonly string[]): BundleHeader {
    if (this.#header === undefined) throw damaged('is empty')
    if (this.#note === undefined) throw damaged('ends too early')
    if (keys !== undefined) {
      const { checkpoint } = this.#header
      if (checkpoint === undefined) throw invalidProof('The bundle is not signed')
      verifyCheckpoint(checkpoint, keys)
      verifyNote(this.#note, keys)
    }
    return this.#header
  }

  #begin([id, first, last, head]: readonly unknown[]): void {
    this.#finishSession()
    const numbers = [first, last, head] as number[]
    const isRange = numbers.every((each, at) => Number.isSafeInteger(each) && each >= (numbers[at - 1] ?? 1))
    if (!isId(id) || !isRange || this.log.sessions.has(id)) throw damaged('has a session that is none')
    const session = { id, first: numbers[0]!, last: numbers[1]!, head: numbers[2]! }
    this.log.begin(session)
    this.#session = { ...session, event: undefined, proved: true }
    this.#counts.sessions++
  }

  #takeRecord(firstVersion: unknown, bytes: unknown): void {
    const session = this.#session
    if (session !== undefined && session.event === undefined && session.first > 1)
      throw corrupted(session.id, session.first - 1, 'is missing from the bundle')
    this.#counts.events += this.#take(firstVersion, bytes).length
  }

  #takeRedacted([version, bytes, hash]: readonly unknown[]): void {
    const { event: before, first = 1 } = this.#session ?? {}
    const isBefore = before === undefined && first > 1
    if (!isBefore && this.#header!.redacted === undefined)
      throw damaged('has a redacted event, and says that it has none')
    if (!(hash instanceof Uint8Array) || hash.length !== 32)
      throw damaged('has a redacted event without a hash')
    // Its bytes are not those that were logged: they prove nothing of the event before.
    if (this.#session !== undefined) checkProved(this.#session)
    if (this.#take(version, bytes, Buffer.from(hash).toString('hex')).length > 1)
      throw damaged('has a redacted record of several events')
    if (isBefore) return
    this.#counts.events++
    this.#counts.redacted++
  }

  #take(firstVersion: unknown, bytes: unknown, loggedHash?: string): readonly RawEvent[] {
    const session = this.#session
    if (session === undefined || !isCount(firstVersion) || !(bytes instanceof Uint8Array))
      throw damaged('has events that are none')
    const record = {
      sessionId: session.id,
      firstVersion,
      bytes,
      ...(loggedHash !== undefined && { loggedHash }),
    }
    const events = readRecord(record)
    for (const event of events) {
      checkEvent(event)
      this.#follow(session, event)
    }
    session.proved = false
    this.log.add(record, events)
    return events
  }

  #takeProof(hashes: unknown): void {
    const { event, id } = this.#session ?? {}
    if (event === undefined || !Array.isArray(hashes) || !hashes.every(each => each instanceof Uint8Array))
      throw damaged('has a proof of nothing')
    if (this.#session!.proved) throw damaged('has a proof twice')
    const { position: size, root } = this.#header!
    const proof = hashes.map(each => Buffer.from(each).toString('hex'))
    if (!provesInclusion({ leaf: event.hash, index: event.position - 1, size, root, proof }))
      throw unproved(id!, event.version)
    this.#session!.proved = true
  }

  #end([sessions, events, seal]: readonly unknown[]): void {
    this.#finishSession()
    const text = this.#seal!.end()
    const isSigned = this.#header!.checkpoint !== undefined
    if (typeof seal !== 'string' || (isSigned ? parseNote(seal).text : seal) !== text)
      throw damaged('is not as it was sealed')
    if (sessions !== this.#counts.sessions || events !== this.#counts.events)
      throw damaged(`has ${this.#counts.events} events, and should have ${String(events)}`)
    this.#note = seal
  }

  #finishSession(): void {
    const session = this.#session
    if (session === undefined) return
    checkProved(session)
    if (session.event?.version !== session.last)
      throw corrupted(session.id, session.last, 'is missing from the bundle')
    this.#session = undefined
  }

  /** Checks an event against the one before it. */
  #follow(session: Current, event: RawEvent): void {
    const { id, first, last, event: before } = session
    const isNext = before === undefined ? beginsAt(event, first) : event.version === before.version + 1
    if (!isNext || event.version > last) throw corrupted(id, event.version, 'is out of place in the bundle')
    if (before !== undefined && event.previousHash !== before.hash)
      throw corrupted(id, event.version, 'does not follow the one before')
    const isLater =
      before === undefined || (event.position > before.position && event.recordedAt >= before.recordedAt)
    if (!isLater || event.position > this.#header!.position)
      throw corrupted(id, event.version, 'says that it is from another time than it can be')
    session.event = event
  }
}

/** With the first event of all, or with the state before the first one that is shown. */
function beginsAt({ version, kind }: RawEvent, first: number): boolean {
  return version === Math.max(first - 1, 1) && (kind === KIND.WHOLE || (kind === KIND.DELETED && first > 1))
}

function checkProved({ id, event, proved }: Current): void {
  if (!proved) throw unproved(id, event!.version)
}

function unproved(sessionId: string, version: number): SessionlogError {
  const message = `Version ${version} of session '${sessionId}' is not proved to be in the log that the bundle is from`
  return new SessionlogError('SESSIONLOG_PROOF_INVALID', message, { sessionId, version })
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}
