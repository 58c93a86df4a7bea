import type { Observable } from 'rxjs'
import { checkId, checkOptions, checkPath, wrong } from './arguments.ts'
import { type BundleExport, type BundleOptions, checkExport, exportBundle } from './bundle-export.ts'
import { SessionlogError } from './errors.ts'
import type { RecordedEvent } from './event.ts'
import { EventReader } from './event-reader.ts'
import type { StoreParts } from './parts.ts'
import type { Cache } from './projection/cache.ts'
import { Session } from './projection/session.ts'
import type { ConsistencyProof, ProofOptions } from './prover.ts'
import { type BackupReport, takeBackup } from './snapshot/backup.ts'
import type { BackupOptions } from './snapshot/backup-run.ts'
import { isInside } from './snapshot/disk-use.ts'
import type { Immutable } from './state/values.ts'
import type { Health, StoreStats, StoreStatus } from './stats.ts'
import type { VerifyOptions, VerifyReport } from './verify.ts'

/** What can be read of an open store and be proved by it, until it is closed. */
export abstract class StoreReader<State> extends EventReader<State> {
  readonly #parts: StoreParts<State>
  readonly #cache: Cache
  #closing: Promise<void> | undefined
  #closed = false

  constructor(parts: StoreParts<State>) {
    super(parts.past)
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

  /** Whether this process owns the log, or follows the one that does. A follower may become the owner. */
  get role(): 'owner' | 'follower' {
    return this.#parts.role().follows ? 'follower' : 'owner'
  }

  /** The position of the last acknowledged event; 0 where there is none. */
  get position(): number {
    return this.#parts.writer.position
  }

  /** The state, deeply immutable; undefined where there is none. */
  get(id: string): Immutable<State> | undefined {
    const known = this.#cache.ready.get(id)
    if (known !== undefined && this.#closing === undefined) return known as Immutable<State>
    const session = this.current(id)
    if (session === undefined || this.#parts.expiries.isOver(session)) return undefined
    return this.#cache.state(session) as Immutable<State> | undefined
  }

  /** Whether the session has a state. */
  has(id: string): boolean {
    return this.expiresAt(id) !== undefined
  }

  /** When the session ends by itself, ms since the epoch; `Infinity` is never, undefined where there is no state. */
  expiresAt(id: string): number | undefined {
    const session = this.current(id)
    return session?.exists === true && !this.#parts.expiries.isOver(session) ? session.expiresAt : undefined
  }

  /** How many events the session has, a delete included; 0 where it never existed. */
  version(id: string): number {
    return this.current(id)?.version ?? 0
  }

  /** The version of the first event that is told of the session: 1 unless it was pruned; 0 where it never existed. */
  firstVersion(id: string): number {
    return Math.min(this.version(id), this.#parts.reader.extent(id).first)
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
    this.current(id)
    return this.#cache.watch(id) as Observable<Immutable<State> | undefined>
  }

  /** Resolves once all that any process had been told of by the call is here. The owner has it all. */
  async catchUp(): Promise<void> {
    this.assertReadable()
    await this.#parts.role().hear()
  }

  /** Reads everything and checks it: events, links, roots, bases, cache and snapshots. Changes nothing. */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    checkOptions(options, ['signal', 'onProgress', 'checkpoint', 'key'])
    this.assertReadable()
    return this.#parts.role().work.verify(options)
  }

  /** The tree of all events until now as a signed note (C2SP tlog-checkpoint). Needs the option `signingKey`. */
  async checkpoint(): Promise<string> {
    this.assertReadable()
    return this.#parts.prover.checkpoint()
  }

  /** A proof file (C2SP tlog-proof) of an event and the state after it: `sessionlog/verify` needs no store for it. */
  async prove(id: string, version: number, options: ProofOptions = {}): Promise<string> {
    this.assertReadable()
    return this.#parts.prover.prove(this.recorded(id), version, options)
  }

  /** That nothing was rewritten between two checkpoints, or sizes; without a second one, until now. */
  async proveConsistency(
    older: number | string,
    newer?: number | string,
    options: ProofOptions = {},
  ): Promise<ConsistencyProof> {
    this.assertReadable()
    return this.#parts.prover.proveConsistency(older, newer, options)
  }

  /**
   * Writes sessions to one file, which can be read, checked and imported without this store: their events, what the
   * state before the first is made from, and proofs. `SESSIONLOG_SESSION_NOT_FOUND`, `_VERSION_NOT_FOUND`,
   * `_IO_ERROR`. A store that has failed has no root to prove them by, and refuses.
   */
  async exportBundle(ids: string | Iterable<string>, options: BundleOptions): Promise<BundleExport> {
    this.assertReadable()
    const list = checkExport(ids, options)
    return exportBundle(
      this.#parts,
      list.map(id => this.recorded(id)),
      options,
    )
  }

  /**
   * Copies the store to a directory, or adds to the copy what it hasn't got yet, while saves go on. `restore` makes a store
   * of it. `SESSIONLOG_EVENTS_MISSING` where the directory holds a backup of another store, or of more than there is.
   */
  async backup(dest: string, options: BackupOptions = {}): Promise<BackupReport> {
    this.assertReadable()
    checkPath(dest, 'dest')
    checkOptions(options, ['signal', 'onProgress'])
    const { log, record, writer, settings, role } = this.#parts
    // What is acknowledged by now is on the disk: nothing is copied that the store might lose.
    await writer.settled()
    await role().flush()
    if (writer.failure !== undefined) throw writer.failure
    const { dir } = settings
    if (dir !== undefined && isInside(dest, dir))
      throw wrong('The backup would lie in the store itself', 'dest')
    return takeBackup({ log, record, position: () => writer.position }, dest, options)
  }

  /** How the store is doing: what waits, what is in memory, and what the owner of the log has written so far. */
  async stats(): Promise<StoreStats> {
    this.assertReadable()
    const { origin, writer, cache, settings, role } = this.#parts
    const log = await role().work.stats()
    return {
      origin,
      role: this.role,
      status: this.status,
      position: writer.position,
      queue: { transactions: writer.pending, bytes: writer.pendingBytes, bytesMax: settings.pendingBytesMax },
      cache: { sessions: cache.sessions.size, states: cache.size, decoded: cache.decoded },
      log,
    }
  }

  /** Whether the store does what it should, and if not, why. Synchronous, for a health check. */
  health(): Health {
    if (this.#closing !== undefined) return { status: 'closed', reasons: [`The store is ${this.status}`] }
    const { writer, settings, role } = this.#parts
    if (writer.failure !== undefined) return { status: 'failed', reasons: [writer.failure.message] }
    const reasons = role().complaints()
    if (2 * writer.pendingBytes > settings.pendingBytesMax)
      reasons.push('More than half of the bytes wait that may: saves come faster than the disk takes them')
    return { status: reasons.length === 0 ? 'open' : 'degraded', reasons }
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
    try {
      await this.#parts.role().close()
    } finally {
      this.#closed = true
      this.#parts.endFollowing()
    }
  }

  /** The session as it is now; one whose time is up is ended on the way. */
  protected current(id: string): Session | undefined {
    this.assertReadable()
    const session = this.#cache.sessions.get(id)
    if (session !== undefined) this.#parts.expiries.end(session)
    return session
  }

  protected override recorded(id: string): Session {
    const session = this.current(id)
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
}
