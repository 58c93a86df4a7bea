import { IMPORTED } from '../event.ts'
import type { MerkleTree } from '../log/chain.ts'
import { decodePayload, type EventFacts } from '../log/codec.ts'
import { Append, buildCommit, type LogHead } from '../log/commit.ts'
import type { EventLog, LogOperation } from '../log/port.ts'
import { KIND, type RawEvent } from '../log/record.ts'
import { RecordWriter } from '../log/record-writer.ts'
import type { RecordedState } from '../log/recorded-state.ts'
import { WHOLE } from '../log/retention.ts'
import { stateAfter } from '../projection/fold.ts'
import type { Changes } from '../state/changes.ts'
import { DELETION } from '../state/reconcile.ts'

/** A state that is known without the event that made it, and where it was found. */
export interface FoundState extends RecordedState {
  readonly origin: string
  readonly source: 'snapshot' | 'base'
}

/** So many events, or so many bytes of them, are a commit. */
const COMMIT_EVENTS_MAX = 256
const COMMIT_BYTES_MAX = 4 * 1024 * 1024

/** Appends what is left of a store to the log of a new one: as new events, each of which names the one it came from. */
export class Remade {
  events = 0
  /** Of them, states without their events. */
  states = 0
  /** Of the last event. */
  recordedAt: number
  readonly #log: EventLog
  readonly #tree: MerkleTree
  readonly origin: string
  readonly #records = new RecordWriter()
  #appends: Append[] = []
  #bytes = 0
  #others: LogOperation[] = []

  /** `origin` is that of the store which the events come from; `tree` is that of the new log, so far. */
  constructor(log: EventLog, tree: MerkleTree, origin: string, recordedAt: number) {
    this.#log = log
    this.#tree = tree
    this.origin = origin
    this.recordedAt = recordedAt
  }

  /** Goes on with a session behind the events that it has in the new log. */
  session(id: string, version: number, hash: string, state: unknown): RemadeSession {
    return new RemadeSession(
      this,
      { id, hash, wholeBytes: 0, bytesSince: 0, run: undefined, retained: WHOLE },
      version,
      state,
    )
  }

  /** Is written with what was appended before. */
  also(operation: LogOperation): void {
    this.#others.push(operation)
  }

  async flush(): Promise<void> {
    if (this.#appends.length === 0 && this.#others.length === 0) return
    const operations: LogOperation[] = []
    if (this.#appends.length > 0) buildCommit(this.#appends, this.#tree, this.#records, operations)
    await this.#log.write([...operations, ...this.#others], false)
    this.#appends = []
    this.#others = []
    this.#bytes = 0
  }

  /** REQUIRES: it is of a session that {@link session} answered with. */
  async append(append: Append, bytes: number): Promise<void> {
    append.recordedAt = this.recordedAt
    this.events++
    this.#appends.push(append)
    this.#bytes += bytes
    if (this.#appends.length >= COMMIT_EVENTS_MAX || this.#bytes >= COMMIT_BYTES_MAX) await this.flush()
  }

  /** Whether an event of the session has that id already. */
  isKnown(sessionId: string, eventId: string): boolean {
    const isUnderWay = this.#appends.some(
      each => each.sessionId === sessionId && each.facts.eventId === eventId,
    )
    return isUnderWay || this.#log.findEventId(sessionId, eventId) !== undefined
  }
}

/** A session of the new log, while it is gone on with. */
export class RemadeSession {
  /** In the new log. */
  version: number
  readonly #remade: Remade
  readonly #head: LogHead
  #state: unknown
  /** Whether the state is that of the version before the next one, in the store that it comes from. */
  #isKnown = true

  constructor(remade: Remade, head: LogHead, version: number, state: unknown) {
    this.#remade = remade
    this.#head = head
    this.version = version
    this.#state = state
  }

  /** A version is left out: what follows it can only go on from a whole state. */
  skip(): void {
    this.#isKnown = false
  }

  /** False where the event is changes of a state that is not known, and `found` isn't the state after it. */
  async event(event: RawEvent, found?: FoundState): Promise<boolean> {
    const { kind, expiresAt, bytes, recordedAt } = event
    if (kind === KIND.CHANGES && !this.#isKnown && found === undefined) return false
    const payload = decodePayload(event)
    const isFound = kind === KIND.CHANGES && !this.#isKnown
    const state = isFound ? found!.state : stateAfter(event, payload, this.#state)
    const { eventId, occurredAt = recordedAt, ...facts } = payload.facts
    const isFresh = eventId !== undefined && !this.#remade.isKnown(event.sessionId, eventId)
    const said = { ...facts, ...(isFresh && { eventId }), occurredAt, expiresAt }
    // What was made of another state than the one before has to be the whole state.
    const changes = this.#isKnown ? payload.changes : undefined
    await this.#append(said, state, changes, bytes.length, event)
    return true
  }

  /** A state whose event is lost. */
  async state(found: FoundState): Promise<void> {
    const { recordedAt, expiresAt, position, schemaVersion, source, state } = found
    const facts: EventFacts = {
      type: IMPORTED,
      data: { source, position },
      occurredAt: recordedAt,
      ...(Number.isFinite(expiresAt) && { expiresAt }),
      ...(schemaVersion > 0 && { schemaVersion }),
    }
    this.#remade.states++
    await this.#append(facts, state, undefined, 0, found)
  }

  async #append(
    facts: EventFacts,
    state: unknown,
    changes: Changes | undefined,
    bytes: number,
    from: Pick<FoundState, 'sessionId' | 'version' | 'position' | 'hash'> & { readonly origin?: string },
  ): Promise<void> {
    const { sessionId, version, position, hash, origin = this.#remade.origin } = from
    const importedFrom = { origin, sessionId, version, hash, position }
    const all = { ...facts, importedFrom }
    this.version++
    const append = new Append(this.#head, this.version, all, state, changes ?? DELETION)
    if (state !== undefined && changes === undefined) append.makeWhole()
    this.#state = state
    this.#isKnown = true
    await this.#remade.append(append, bytes)
  }
}
