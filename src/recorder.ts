import { isolateActor, wrong } from './arguments.ts'
import { inContext } from './context.ts'
import { isolateData } from './data.ts'
import type { Duplicates } from './duplicates.ts'
import { editState, type Recipe } from './edit.ts'
import { SessionlogError, VersionConflictError } from './errors.ts'
import { EXPIRED, type ExpectedVersion, IMPORTED, type Receipt, type WriteOptions } from './event.ts'
import type { Intent, Prepared, RecordOptions, Standing } from './intent.ts'
import { type EventFacts, NO_FACTS } from './log/codec.ts'
import { Append } from './log/commit.ts'
import type { Transaction, Writer } from './log/writer.ts'
import type { Settings } from './options.ts'
import type { Cache } from './projection/cache.ts'
import type { Session } from './projection/session.ts'
import { validateState } from './schema.ts'
import type { Changes } from './state/changes.ts'
import { handOut } from './state/exotic.ts'
import { DELETION, reconcile } from './state/reconcile.ts'

/** The store's rules that guard the record, and its place in time. */
export interface RecorderParts<State> {
  readonly settings: Settings<State>
  readonly cache: Cache
  readonly writer: Writer
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

  /** Prepares an event on a session as it stands. Changes nothing. */
  prepare(session: Session, intent: Intent, given: RecordOptions, standing: Standing = session): Prepared {
    const options: RecordOptions = inContext(given)
    const saved = intent.kind === 'save' ? this.#saved(session.id, intent) : undefined
    const data = isolateData(options.data)
    if (options.eventId !== undefined) {
      // An edit with a known id does not run, so its state is not known.
      const state = intent.kind === 'edit' ? undefined : { value: saved }
      const answer = this.#parts.duplicates.find(session, options.eventId, {
        type: options.type,
        data,
        state,
      })
      if (answer !== undefined) return { answer }
    }
    const { version, exists } = standing
    checkExpected(session.id, options.expectedVersion, version, exists)
    if (intent.kind === 'delete' && !exists) return undefined
    this.#checkPolicy(session.id, options)
    const { state, changes, size } = this.#next(session, intent, saved, standing)
    const facts = this.#facts(options, data)
    // A getter or a recipe may have saved the same session meanwhile, or begun it.
    const now = standing === session ? (this.#parts.cache.sessions.get(session.id) ?? session) : standing
    if (now.version !== version) throw new VersionConflictError(session.id, version, now.version)
    if (this.#mayLeaveOut(options) && exists && changes.length === 0)
      return this.#unchanged(session, version, options)
    const append = new Append(session, version + 1, facts, state, changes)
    return { append, bytes: size + EVENT_BYTES }
  }

  /** Makes prepared events visible and sends them on their way, all or none; resolves to `result()` once durable. */
  write<T>(
    appends: readonly Append[],
    bytes: number,
    result: () => T | Promise<T>,
    operations?: Transaction['operations'],
  ): Promise<T> {
    const { writer, cache, planExpiry, settings } = this.#parts
    if (writer.failure !== undefined) throw writer.failure
    if (bytes > 0 && writer.pendingBytes > 0 && writer.pendingBytes + bytes > settings.pendingBytesMax)
      throw overloaded()
    for (const append of appends) append.recordedAt = this.#tick()
    const durable = new Promise<T>((resolve, reject) => {
      const done = (error?: SessionlogError) => {
        if (error === undefined) return resolve(result())
        // The disk's failure is told by status, commits and the logger: nobody has to wait for each promise.
        durable.catch(() => {})
        reject(error)
      }
      writer.push(operations === undefined ? { appends, bytes, done } : { appends, operations, bytes, done })
    })
    // Pushed first: a watcher that saves at once must come after.
    cache.change(appends)
    for (const { facts, expiresAt } of appends) if (facts.expiresAt !== undefined) planExpiry(expiresAt)
    return durable
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
    const next = intent.kind === 'save' ? saved : this.#edited(session, intent.recipe, standing)
    if (!standing.exists || standing.schemaVersion === this.#parts.schemaVersion) {
      return reconcile(standing.state, next)
    }
    // The recorded state has another shape: the first event of a schema holds the whole state.
    const { state, size } = reconcile(undefined, next)
    return { state, changes: [{ op: 'replace', path: '', value: state }], size }
  }

  #saved(sessionId: string, { state, asRecorded }: Extract<Intent, { kind: 'save' }>): unknown {
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

  /** What is imported stands there event for event. */
  #mayLeaveOut({ importedFrom }: RecordOptions): boolean {
    return this.#parts.settings.skipUnchanged && importedFrom === undefined
  }

  #facts(options: RecordOptions, data: unknown): EventFacts {
    const { schemaVersion } = this.#parts
    if (options === NO_OPTIONS && schemaVersion === 0) return NO_FACTS
    const { actor, reason, type, eventId, correlationId, causationId, occurredAt, expiresAt } = options
    const { importedFrom } = options
    return {
      type,
      actor: actor === undefined ? undefined : isolateActor(actor),
      reason,
      data,
      eventId,
      correlationId,
      causationId,
      occurredAt,
      expiresAt: expiresAt === undefined ? undefined : Math.max(0, expiresAt),
      schemaVersion: schemaVersion || undefined,
      importedFrom,
    }
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

export const NO_OPTIONS: WriteOptions = Object.freeze({})
const EXPIRY: EventFacts = Object.freeze({ type: EXPIRED })

function checkExpected(
  sessionId: string,
  expected: ExpectedVersion = 'any',
  version: number,
  exists: boolean,
): void {
  const met =
    expected === 'any' ||
    (expected === 'no_session' ? !exists : expected === 'session_exists' ? exists : expected === version)
  if (!met) throw new VersionConflictError(sessionId, expected, version)
}

function overloaded(): SessionlogError {
  return new SessionlogError(
    'SESSIONLOG_OVERLOADED',
    'Too many bytes wait for the disk: try again when some are through',
  )
}
