import type { Observable } from 'rxjs'
import { checkExpiry, checkId, checkOptions, takeWriteOptions } from './arguments.ts'
import { type BatchItem, writeBatch } from './batch.ts'
import { type Branch, type BranchOptions, forkOf, reversionOf } from './branch.ts'
import type { Edit, Recipe } from './edit.ts'
import { SessionlogError } from './errors.ts'
import type { Receipt, RecordedEvent, WriteOptions } from './event.ts'
import { EventReader } from './event-reader.ts'
import type { StoreParts } from './parts.ts'
import type { Cache } from './projection/cache.ts'
import { Session } from './projection/session.ts'
import { receiptOf } from './receipt.ts'
import { type Intent, NO_OPTIONS } from './recorder.ts'
import { settle } from './settle.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import type { Immutable } from './state/values.ts'
import type { VerifyOptions, VerifyReport } from './verify.ts'

export type StoreStatus = 'open' | 'failed' | 'closing' | 'closed'

/**
 * A store of sessions, each a log of events and a state in memory. Made by `openStore`.
 * A wrong argument is a `TypeError` with the code `SESSIONLOG_INVALID_ARGUMENT`; a store that is closing or closed fails
 * with `SESSIONLOG_NOT_OPEN`; reading the log may fail with `SESSIONLOG_CORRUPTION`. Writes reject with
 * `SESSIONLOG_INVALID_STATE`, `_SCHEMA_REJECTED`, `_VERSION_CONFLICT`, `_EVENT_ID_REUSED`, `_POLICY_VIOLATED` or
 * `_OVERLOADED`, and nothing has changed; with `SESSIONLOG_IO_ERROR` where the disk failed and the store has stopped.
 */
export class SessionStore<State> extends EventReader<State> {
  readonly #parts: StoreParts<State>
  readonly #cache: Cache
  #closing: Promise<void> | undefined
  #closed = false

  constructor(parts: StoreParts<State>) {
    super(parts.past, parts.prover)
    this.#parts = parts
    this.#cache = parts.cache
  }

  /** `failed` after a failed write: reading goes on, writing needs the store to be opened again. */
  get status(): StoreStatus {
    if (this.#closed) return 'closed'
    if (this.#closing !== undefined) return 'closing'
    return this.#parts.writer.failure === undefined ? 'open' : 'failed'
  }

  /** A random id: versions and positions mean something only together with it. */
  get origin(): string {
    return this.#parts.origin
  }

  /** Makes `state` the session's state. Visible at once; the promise resolves when it is durable. */
  save(id: string, state: State, options: WriteOptions = NO_OPTIONS): Promise<Receipt> {
    return this.#write(id, { kind: 'save', state }, options) as Promise<Receipt>
  }

  /**
   * Changes the session's state by a recipe on a draft of it: the cost grows with the edit, not with the state.
   * `SESSIONLOG_SESSION_NOT_FOUND` where there is none.
   */
  edit(id: string, edit: Edit<State>, options: WriteOptions = NO_OPTIONS): Promise<Receipt> {
    return this.#write(id, { kind: 'edit', recipe: edit as Recipe }, options) as Promise<Receipt>
  }

  /** Ends the session's state; its history stays. Undefined where there was no state. */
  delete(id: string, options: WriteOptions = NO_OPTIONS): Promise<Receipt | undefined> {
    return this.#write(id, { kind: 'delete' }, options)
  }

  /** Several writes in one atomic commit: all happen or none does. Later ones see what earlier ones made. */
  saveAll(items: readonly BatchItem<State>[], options: WriteOptions = NO_OPTIONS): Promise<Receipt[]> {
    return settle(() => {
      this.#assertWritable()
      return writeBatch(this.#parts, id => this.#session(id), items, options)
    })
  }

  /**
   * Begins a new session with the state that another one had at a version. Its first event, `$forked`, names the
   * event that it comes from; the parent is left alone. It expires when `expiresAt` says so, not when the parent does. `SESSIONLOG_VERSION_CONFLICT` where `newId` has ever existed.
   */
  async fork(id: string, newId: string, options: BranchOptions): Promise<Receipt> {
    const branch = await forkOf(this.#parts.past, this.recorded(id), newId, options)
    return this.#record(this.recorded(newId), branch) as Promise<Receipt>
  }

  /** Goes back to an old state, as a new event: `$reverted`. Where there was none, that ends the session's state. */
  async revert(id: string, options: BranchOptions): Promise<Receipt | undefined> {
    const branch = await reversionOf(this.#parts.past, this.recorded(id), options)
    return this.#record(this.recorded(id), branch)
  }

  /** Moves a session's expiry (ms since the epoch; `Infinity` is never) without an event. */
  touch(id: string, expiresAt: number): void {
    this.#assertWritable()
    checkId(id)
    checkExpiry(expiresAt)
    const session = this.#session(id)
    if (session?.exists) this.#parts.expiries.touch(session, expiresAt)
  }

  /** The state, deeply immutable; undefined where there is none. */
  get(id: string): Immutable<State> | undefined {
    const known = this.#cache.ready.get(id)
    if (known !== undefined && this.#closing === undefined) return known as Immutable<State>
    const session = this.#session(id)
    if (session === undefined || this.#parts.expiries.isOver(session)) return undefined
    return this.#cache.state(session) as Immutable<State> | undefined
  }

  /** Whether the session has a state. */
  has(id: string): boolean {
    const session = this.#session(id)
    return session?.exists === true && !this.#parts.expiries.isOver(session)
  }

  /** How many events the session has, a delete included; 0 where it never existed. */
  version(id: string): number {
    return this.#session(id)?.version ?? 0
  }

  /** The ids of all sessions that have a state. */
  ids(): IterableIterator<string> {
    this.#sweep()
    return this.#cache.ids()
  }

  /** How many sessions have a state. */
  get size(): number {
    this.#sweep()
    return this.#cache.size
  }

  /** Durable events in commit order, each once. Errors when a write fails, completes when the store closes. */
  get commits(): Observable<readonly RecordedEvent[]> {
    this.assertReadable()
    return this.#parts.commits.observable
  }

  /** The session's state in the cache: the one now, then each change at once, acknowledged or not. */
  watch(id: string): Observable<Immutable<State> | undefined> {
    this.assertReadable()
    checkId(id)
    this.#session(id)
    return this.#cache.watch(id) as Observable<Immutable<State> | undefined>
  }

  /** Brings bases and snapshots up to date and seals events, while saves go on. Nothing is lost. */
  async compact(options: CompactOptions = {}): Promise<CompactionReport> {
    this.#assertWritable()
    checkOptions(options, ['signal', 'full', 'onProgress'])
    return this.#parts.compactor.run(options)
  }

  /** Reads everything and checks it: events, links, roots, bases, cache and snapshots. Changes nothing. */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    checkOptions(options, ['signal', 'onProgress', 'checkpoint', 'key'])
    this.assertReadable()
    return this.#parts.verify(options)
  }

  /** Makes everything that was saved before the call durable, in either mode of durability. */
  async flush(): Promise<void> {
    this.#assertWritable()
    await this.#parts.flush()
  }

  /** Waits for what is under way, then lets go of the directory. Always the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { compactor, durability, expiries, flush, writer, endFollowing, release } = this.#parts
    try {
      await compactor.stop()
      await (durability === 'buffered' ? flush() : expiries.flush()).catch(() => {})
      expiries.stop()
      await writer.end()
    } finally {
      await release().finally(() => {
        this.#closed = true
        endFollowing()
      })
    }
  }

  #write(id: string, intent: Intent, given: WriteOptions): Promise<Receipt | undefined> {
    return settle(() => {
      const session = this.recorded(id)
      const options = given === NO_OPTIONS ? given : takeWriteOptions(given)
      return this.#record(session, { intent, options })
    })
  }

  #record(session: Session, { intent, options, operations }: Branch): Promise<Receipt | undefined> {
    this.#assertWritable()
    const { recorder, duplicates, durability } = this.#parts
    const prepared = recorder.prepare(session, intent, options)
    if (prepared === undefined) return Promise.resolve(undefined)
    if ('answer' in prepared) return prepared.answer.receipt()
    const { append, bytes } = prepared
    const receipt = recorder.write([append], bytes, () => receiptOf(append, durability), operations)
    duplicates.note(append, receipt)
    return receipt
  }

  /** The session as it is now; one whose time is up is ended on the way. */
  #session(id: string): Session | undefined {
    this.assertReadable()
    const session = this.#cache.sessions.get(id)
    if (session !== undefined) this.#parts.expiries.end(session)
    return session
  }

  protected override recorded(id: string): Session {
    const session = this.#session(id)
    if (session !== undefined) return session
    checkId(id)
    return new Session(id)
  }

  #sweep(): void {
    this.assertReadable()
    this.#parts.expiries.sweep()
  }

  protected override assertReadable(): void {
    if (this.#closing === undefined) return
    throw new SessionlogError('SESSIONLOG_NOT_OPEN', `The store is ${this.status}`)
  }

  #assertWritable(): void {
    this.assertReadable()
    const { failure } = this.#parts.writer
    if (failure !== undefined) throw failure
  }
}
