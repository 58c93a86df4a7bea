import { wrong } from './arguments.ts'
import { inContext } from './context.ts'
import { isolateData } from './data.ts'
import type { Duplicates } from './duplicates.ts'
import { editState, type Recipe } from './edit.ts'
import { overloaded, SessionlogError, VersionConflictError } from './errors.ts'
import { EXPIRED, IMPORTED, type Receipt, type WriteOptions } from './event.ts'
import { checkExpected, factsOf } from './facts.ts'
import { Behind, type Intent, type Prepared, type RecordOptions, type Standing, type Wish } from './intent.ts'
import type { EventFacts } from './log/codec.ts'
import { Append } from './log/commit.ts'
import type { Answered, LogWriter, Transaction } from './log/writer.ts'
import type { Settings } from './options.ts'
import type { Cache } from './projection/cache.ts'
import type { Session } from './projection/session.ts'
import { validateState } from './schema.ts'
import { apply } from './state/apply.ts'
import type { Changes } from './state/changes.ts'
import { handOut } from './state/exotic.ts'
import { DELETION, reconcile } from './state/reconcile.ts'
import { sizeOfChanges } from './state/size.ts'

/** The store's rules that guard the record, and its place in time. */
export interface RecorderParts<State> {
  readonly settings: Settings<State>
  readonly cache: Cache
  readonly writer: LogWriter
  readonly duplicates: Duplicates
  readonly schemaVersion: number
  readonly requireActor: boolean
  readonly requireReason: boolean
  /** Of the last event in the log, ms since the epoch. */
  readonly recordedAt: number
  /** Moves a session's expiry without an event. */
  readonly touch: (session: Session, expiresAt: number) => void
  /** Sees to it that a session ends in time. */
  readonly planExpiry: (expiresAt: number) => void
  /** The receipt of a session's event, once it is durable. */
  readonly receiptAt: (session: Session, version: number) => Promise<Receipt>
  /** True where another process records the events: then they may have to be made again. */
  readonly follows: () => boolean
}

/** What an event takes in memory beside its changes, about. */
const EVENT_BYTES = 256

/** Turns what a caller wants into an event: everything is decided, and refused, before anything changes. */
export class Recorder<State> {
  readonly #parts: RecorderParts<State>
  #lastTime: number

  constructor(parts: RecorderParts<State>) {
    this.#parts = parts
    this.#lastTime = parts.recordedAt
  }

  /** The store's clock: integer ms since the epoch, never before the last event. */
  now(): number {
    const time = Math.trunc(this.#parts.settings.clock())
    return time > this.#lastTime ? time : this.#lastTime
  }

  /** Gives events their time, which is never before another process's last event. */
  date(appends: readonly Append[], after = 0): void {
    this.#lastTime = Math.max(this.#lastTime, after)
    for (const append of appends) append.recordedAt = this.#tick()
  }

  /** Prepares an event on a session as it stands. Changes nothing. */
  prepare(session: Session, intent: Intent, given: RecordOptions, standing: Standing = session): Prepared {
    const options: RecordOptions = inContext(given)
    const saved = intent.kind === 'save' ? this.#saved(session.id, intent) : undefined
    const data = isolateData(options.data)
    if (options.eventId !== undefined) {
      // An edit with a known id does not run, so its state is not known.
      const isEdit = intent.kind === 'edit' || intent.kind === 'changes'
      const state = isEdit ? undefined : { value: saved }
      const answer = this.#parts.duplicates.find(session, options.eventId, {
        type: options.type,
        data,
        state,
      })
      if (answer !== undefined) return { answer }
    }
    const { version, exists } = standing
    checkExpected(session.id, options.expectedVersion, version, exists)
    // What a follower has not seen recorded may never be: the owner says whether there is anything to do.
    const isSure = !session.isAhead || !this.#parts.follows()
    if (intent.kind === 'delete' && !exists && isSure) return undefined
    this.#checkPolicy(session.id, options)
    const { state, changes, size } = this.#next(session, intent, saved, standing)
    const facts = factsOf(options, data, this.#parts.schemaVersion)
    // A getter or a recipe may have saved the same session meanwhile, or begun it.
    const now = standing === session ? (this.#parts.cache.sessions.get(session.id) ?? session) : standing
    if (now.version !== version) throw new VersionConflictError(session.id, version, now.version)
    if (this.#mayLeaveOut(intent, options) && exists && changes.length === 0 && isSure)
      return this.#unchanged(session, version, options)
    const append = new Append(session, version + 1, facts, state, changes)
    if (this.#parts.follows()) {
      const kept = intent.kind === 'save' ? SAVE : intent
      const { expectedVersion } = options
      append.wish = { intent: kept, expectedVersion, base: standing.state } satisfies Wish
    }
    return { append, bytes: size + EVENT_BYTES }
  }

  /**
   * Makes an event again on its session as it is by now. With `expects` the caller's expectation of it is checked, and
   * a delete of nothing is none: false.
   */
  remake(append: Append, expects: boolean): boolean {
    const session = append.head as Session
    const wish = append.wish as Wish
    const { intent, expectedVersion } = wish
    if (expects) checkExpected(session.id, expectedVersion, session.version, session.exists)
    if (expects && intent.kind === 'delete' && !session.exists) return false
    if (session.state === wish.base) append.remake(session.version + 1, append.state, append.changes)
    else {
      const { state, changes } = this.#next(session, intent, append.state, session)
      // A save makes the same state of whatever was there.
      append.remake(session.version + 1, intent.kind === 'save' ? append.state : state, changes)
      append.wish = { ...wish, base: session.state }
    }
    return true
  }

  /** Makes prepared events visible and sends them on their way, all or none; resolves to `result()` once durable. */
  write<T>(
    appends: readonly Append[],
    bytes: number,
    result: (answer?: Answered) => T | Promise<T>,
    operations?: Transaction['operations'],
  ): Promise<T> {
    const { writer, settings } = this.#parts
    if (writer.failure !== undefined) throw writer.failure
    if (bytes > 0 && writer.pendingBytes > 0 && writer.pendingBytes + bytes > settings.pendingBytesMax)
      throw overloaded()
    const durable = new Promise<T>((resolve, reject) => {
      const done = (error?: Error, answer?: Answered) => {
        if (error === undefined) return resolve(result(answer))
        reject(error)
        // The disk's failure is told by status, commits and the logger: nobody has to wait for each promise.
        queueMicrotask(() => durable.catch(() => {}))
      }
      this.push(operations === undefined ? { appends, bytes, done } : { appends, operations, bytes, done })
    })
    return durable
  }

  /** The same, of what another process asked for: it hears of it with everybody else. */
  push(transaction: Transaction): void {
    const { writer, cache, planExpiry } = this.#parts
    const { appends } = transaction
    this.date(appends)
    // Pushed first: a watcher that saves at once must come after.
    writer.push(transaction)
    cache.change(appends)
    for (const { facts, expiresAt } of appends) if (facts.expiresAt !== undefined) planExpiry(expiresAt)
  }

  /** An event of the store's own that leaves the state as it is. Throws where policy asks for more to be said of it. */
  remark(session: Session, type: string, data: unknown, given: WriteOptions): Append {
    const options = inContext(given)
    this.#checkPolicy(session.id, options)
    const { state } = session
    const facts = { ...factsOf(options, isolateData(data), session.schemaVersion), type }
    return new Append(session, session.version + 1, facts, state, state === undefined ? DELETION : [])
  }

  /** Ends a session whose time is up. */
  expire(session: Session): void {
    const { schemaVersion } = this.#parts
    const facts = schemaVersion === 0 ? EXPIRY : { ...EXPIRY, schemaVersion }
    const append = new Append(session, session.version + 1, facts, undefined, DELETION)
    this.write([append], 0, () => undefined)
  }

  /** The state after the intent, and what it changes. */
  #next(
    session: Session,
    intent: Intent,
    saved: unknown,
    standing: Standing,
  ): { state: unknown; changes: Changes; size: number } {
    if (intent.kind === 'delete') return { state: undefined, changes: DELETION, size: 0 }
    if (intent.kind === 'changes') {
      if (standing.version !== intent.base || !standing.exists) throw new Behind()
      const state = apply(intent.changes, standing.state)
      return { state, changes: intent.changes, size: sizeOfChanges(intent.changes) }
    }
    const next = intent.kind === 'save' ? saved : this.#edited(session, intent.recipe, standing)
    if (!standing.exists || standing.schemaVersion === this.#parts.schemaVersion) {
      return reconcile(standing.state, next)
    }
    // The recorded state has another shape: the first event of a schema holds the whole state.
    const { state, size } = reconcile(undefined, next)
    return { state, changes: [{ op: 'replace', path: '', value: state }], size }
  }

  #saved(sessionId: string, { state, asRecorded, checked }: Extract<Intent, { kind: 'save' }>): unknown {
    if (checked) return state
    const valid = validateState(this.#parts.settings.schema, sessionId, state)
    return asRecorded ? state : valid
  }

  #edited(session: Session, recipe: Recipe, standing: Standing): unknown {
    if (!standing.exists) {
      const message = `Session '${session.id}' has no state to edit`
      throw new SessionlogError('SESSIONLOG_SESSION_NOT_FOUND', message, { sessionId: session.id })
    }
    const draft = standing === session ? this.#parts.cache.state(session) : handOut(standing.state)
    return validateState(this.#parts.settings.schema, session.id, editState(draft, recipe))
  }

  /** What is imported stands there event for event; what another process sent is its own to leave out. */
  #mayLeaveOut(intent: Intent, { importedFrom }: RecordOptions): boolean {
    const isForwarded = intent.kind === 'changes' || (intent.kind === 'save' && intent.checked === true)
    return this.#parts.settings.skipUnchanged && importedFrom === undefined && !isForwarded
  }

  /** What the store itself did elsewhere has no actor, and no reason. */
  #checkPolicy(sessionId: string, { actor, reason, type, importedFrom }: RecordOptions): void {
    const { requireActor, requireReason } = this.#parts
    if (importedFrom !== undefined && (type === EXPIRED || type === IMPORTED)) return
    const missing = requireActor && !actor ? 'an actor' : requireReason && !reason ? 'a reason' : undefined
    if (missing === undefined) return
    const message = `This store's policy asks for ${missing} with every event of session '${sessionId}'`
    throw new SessionlogError('SESSIONLOG_POLICY_VIOLATED', message, { sessionId })
  }

  #unchanged(session: Session, version: number, { expiresAt }: WriteOptions): Prepared {
    const receipt = () => {
      if (expiresAt !== undefined) this.#parts.touch(session, expiresAt)
      return this.#parts.receiptAt(session, version)
    }
    return { answer: { receipt, unproven: false } }
  }

  #tick(): number {
    const time = Math.trunc(this.#parts.settings.clock())
    if (!Number.isSafeInteger(time)) throw wrong(`clock must answer with a time in ms, not ${time}`, 'clock')
    if (time > this.#lastTime) this.#lastTime = time
    return this.#lastTime
  }
}

/** Of a save: its state is the event's own. */
const SAVE: Intent = Object.freeze({ kind: 'save', state: undefined })
const EXPIRY: EventFacts = Object.freeze({ type: EXPIRED })
