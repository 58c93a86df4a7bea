import { SessionlogError } from './errors.ts'
import type { Durability, Receipt } from './event.ts'
import { decodePayload } from './log/codec.ts'
import type { Append } from './log/commit.ts'
import type { EventLog } from './log/port.ts'
import type { LogReader } from './log/reader.ts'
import { corrupted } from './log/record.ts'
import type { Session } from './projection/session.ts'
import { stateAtVersion } from './projection/time-travel.ts'
import type { Upcast } from './projection/upcast.ts'
import { receiptOf } from './receipt.ts'
import { reconcile } from './state/reconcile.ts'
import { equal } from './state/values.ts'

/** What a write with an event id says, to be compared with the first one of that id. */
export interface Content {
  readonly type: string | undefined
  readonly data: unknown
  /** Compared where given: an edit with a known id does not run, so its state is not known. */
  readonly state: { readonly value: unknown } | undefined
}

/** What makes a write needless. */
export interface Answer {
  /** Rejects with `SESSIONLOG_EVENT_ID_REUSED` where the first write had other content. */
  readonly receipt: () => Promise<Receipt>
  /** True where only reading the log can tell whether the content is the same. */
  readonly unproven: boolean
}

/** Events by their ids: those recorded, and those under way. */
export class Duplicates {
  readonly #log: Pick<EventLog, 'findEventId'>
  readonly #reader: LogReader
  readonly #upcast: Upcast
  readonly #durability: () => Durability
  readonly #pending = new Map<string, { readonly append: Append; readonly receipt: Promise<Receipt> }>()

  constructor(
    log: Pick<EventLog, 'findEventId'>,
    reader: LogReader,
    upcast: Upcast,
    durability: () => Durability,
  ) {
    this.#log = log
    this.#reader = reader
    this.#upcast = upcast
    this.#durability = durability
  }

  /** The receipt of the first write with that id; undefined where this is the first. */
  find(session: Session, eventId: string, content: Content): Answer | undefined {
    const pending = this.#pending.get(keyOf(session.id, eventId))
    if (pending !== undefined) {
      checkSame(session.id, eventId, content, pending.append.facts, pending.append.state)
      return { receipt: () => pending.receipt, unproven: false }
    }
    const recorded = this.#find(session, eventId, content)
    return recorded && { receipt: recorded, unproven: true }
  }

  /** The same of those recorded only. Rejects where the first write had other content. */
  recorded(session: Session, eventId: string, content: Content): Promise<Receipt> | undefined {
    return this.#find(session, eventId, content)?.()
  }

  #find(session: Session, eventId: string, content: Content): (() => Promise<Receipt>) | undefined {
    const version = session.version === 0 ? undefined : this.#log.findEventId(session.id, eventId)
    if (version === undefined) return undefined
    const given = isolated(content)
    return () => this.#recorded(session.id, eventId, given, version)
  }

  /** Notes a write under way, until it is durable or rejected. */
  note(append: Append, receipt: Promise<Receipt>): void {
    const { eventId } = append.facts
    if (eventId === undefined) return
    const key = keyOf(append.sessionId, eventId)
    this.#pending.set(key, { append, receipt })
    const forget = () => this.#pending.delete(key)
    receipt.then(forget, forget)
  }

  async #recorded(sessionId: string, eventId: string, content: Content, version: number): Promise<Receipt> {
    const events = await this.#reader.record(sessionId, version)
    const event = events[version - events[0]!.version]!
    const { facts } = decodePayload(event)
    if (facts.eventId !== eventId)
      throw corrupted(sessionId, version, `does not have the event id '${eventId}'`)
    const recorded =
      content.state && this.#upcast.make(await stateAtVersion(this.#reader, sessionId, version))
    checkSame(sessionId, eventId, content, facts, recorded)
    return receiptOf(event, this.#durability(), { deduplicated: true })
  }
}

/** The comparison comes later, when the caller may have changed what it gave. */
function isolated({ state, ...content }: Content): Content {
  if (state?.value === undefined) return { ...content, state }
  return { ...content, state: { value: reconcile(undefined, state.value).state } }
}

function checkSame(
  sessionId: string,
  eventId: string,
  content: Content,
  facts: { type?: string | undefined; data?: unknown },
  state: unknown,
): void {
  const same =
    content.type === facts.type &&
    equal(content.data, facts.data) &&
    (content.state === undefined || sameState(content.state.value, state))
  if (same) return
  const message = `Event id '${eventId}' of session '${sessionId}' came before with other content`
  throw new SessionlogError('SESSIONLOG_EVENT_ID_REUSED', message, { sessionId })
}

function sameState(value: unknown, recorded: unknown): boolean {
  if (value === undefined || recorded === undefined) return value === recorded
  return equal(reconcile(recorded, value).state, recorded)
}

/** An event id within its session, as one key. */
export function keyOf(sessionId: string, eventId: string): string {
  return `${sessionId.length} ${sessionId}${eventId}`
}
