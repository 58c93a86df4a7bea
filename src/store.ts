import { checkExpiry, checkId, checkOptions, checkType, takeWriteOptions } from './arguments.ts'
import { type BatchItem, writeBatch } from './batch.ts'
import { type Branch, type BranchOptions, forkOf, reversionOf } from './branch.ts'
import { type BundleImport, checkImport, type ImportBundleOptions, importBundle } from './bundle-import.ts'
import { withoutContext } from './context.ts'
import type { Edit, Recipe } from './edit.ts'
import { hasCode } from './errors.ts'
import type { Receipt, WriteOptions } from './event.ts'
import { NO_OPTIONS } from './facts.ts'
import type { Intent } from './intent.ts'
import type { StoreParts } from './parts.ts'
import type { Session } from './projection/session.ts'
import type { PruneOptions, PruneReport } from './pruner.ts'
import { receiptFrom } from './receipt.ts'
import { settle } from './settle.ts'
import type { ArchiveOptions, ArchiveReport } from './snapshot/archive.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import { reconcile } from './state/reconcile.ts'
import { StoreReader } from './store-reader.ts'
import type { HoldOptions } from './work.ts'
import { checkArchive, checkHold, checkPrune } from './work-options.ts'

/**
 * A store of sessions, each a log of events and a state in memory. Made by `openStore`.
 * A wrong argument is a `TypeError` with the code `SESSIONLOG_INVALID_ARGUMENT`; a store that is closing or closed fails
 * with `SESSIONLOG_NOT_OPEN`; reading the log may fail with `SESSIONLOG_CORRUPTION`. Writes reject with
 * `SESSIONLOG_INVALID_STATE`, `_SCHEMA_REJECTED`, `_VERSION_CONFLICT`, `_EVENT_ID_REUSED`, `_POLICY_VIOLATED` or
 * `_OVERLOADED`, and nothing has changed; with `SESSIONLOG_IO_ERROR` where the disk failed and the store has stopped.
 */
export class SessionStore<State> extends StoreReader<State> {
  readonly #parts: StoreParts<State>

  constructor(parts: StoreParts<State>) {
    super(parts)
    this.#parts = parts
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
      const write = (batch: readonly BatchItem<State>[]) =>
        writeBatch(this.#parts, id => this.current(id), batch, options)
      const keep = () =>
        items.map(item => ('state' in item ? { ...item, state: isolated(item.state) } : item))
      return this.#upToDate(write, items, keep) as Promise<Receipt[]>
    })
  }

  /**
   * Begins a new session with the state that another one had at a version. Its first event, `$forked`, names the
   * event that it comes from; the parent is left alone. It expires when `expiresAt` says so, not when the parent does. `SESSIONLOG_VERSION_CONFLICT` where `newId` has ever existed.
   */
  async fork(id: string, newId: string, options: BranchOptions): Promise<Receipt> {
    await this.#parts.role().catchUp()
    const branch = await forkOf(this.#parts.past, this.recorded(id), newId, options)
    return this.#record(this.recorded(newId), branch) as Promise<Receipt>
  }

  /** Goes back to an old state, as a new event: `$reverted`. Where there was none, that ends the session's state. */
  async revert(id: string, options: BranchOptions): Promise<Receipt | undefined> {
    await this.#parts.role().catchUp()
    const branch = await reversionOf(this.#parts.past, this.recorded(id), options)
    return this.#record(this.recorded(id), branch) ?? undefined
  }

  /**
   * Takes the sessions of a bundle in, as new events: each names the one that it came from, whose time is its
   * `occurredAt`. All or nothing is refused; one that was interrupted goes on where it was. `SESSIONLOG_VERSION_CONFLICT`
   * where there is a session of that id, and whatever `openBundle` and `save` refuse.
   */
  async importBundle(path: string, options: ImportBundleOptions = {}): Promise<BundleImport> {
    this.#assertWritable()
    checkImport(options)
    await this.#parts.role().catchUp()
    const parts = {
      ...this.#parts,
      find: (id: string) => this.recorded(id),
      record: async (session: Session, branch: Branch) => this.#record(session, branch),
    }
    return withoutContext(() => importBundle(parts, path, options))
  }

  /** Moves a session's expiry (ms since the epoch; `Infinity` is never) without an event. */
  touch(id: string, expiresAt: number): void {
    this.#assertWritable()
    checkId(id)
    checkExpiry(expiresAt)
    const session = this.current(id)
    if (session?.exists) this.#parts.expiries.touch(session, expiresAt)
  }

  /** Brings bases and snapshots up to date and seals events, while saves go on. Nothing is lost. */
  async compact(options: CompactOptions = {}): Promise<CompactionReport> {
    this.#assertWritable()
    checkOptions(options, ['signal', 'full', 'wait', 'onProgress'])
    for (const name of ['full', 'wait']) checkType(options, name, 'boolean')
    return this.#parts.role().work.compact(options)
  }

  /**
   * Moves events that are old enough, or not among a session's last, out of the log into sealed, compressed files, where
   * they are read as before. Compacts first.
   */
  async archive(options: ArchiveOptions): Promise<ArchiveReport> {
    this.#assertWritable()
    checkArchive(options)
    return this.#parts.role().work.archive(options)
  }

  /**
   * Destroys archived events, as far as the store's option `prune` allows it: what is left of each is what proves the
   * others. Each session of which some go gets a `$pruned` event. `SESSIONLOG_POLICY_VIOLATED` where no policy allows it.
   */
  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    this.#assertWritable()
    checkPrune(options)
    return this.#parts.role().work.prune(options)
  }

  /** Protects a session from being pruned, by a `$held` event, or ends that, by `$released`. `SESSIONLOG_SESSION_NOT_FOUND`. */
  async legalHold(id: string, on: boolean, options: HoldOptions = {}): Promise<Receipt> {
    this.#assertWritable()
    checkId(id)
    checkType({ on }, 'on', 'boolean')
    checkOptions(options, ['actor', 'reason'])
    checkHold(options)
    return this.#parts.role().work.hold(id, on, options)
  }

  /** Makes everything that was saved before the call durable, in either mode of durability. */
  async flush(): Promise<void> {
    this.#assertWritable()
    await this.#parts.role().flush()
  }

  #write(id: string, intent: Intent, given: WriteOptions): Promise<Receipt | undefined> {
    return settle(() => {
      this.recorded(id)
      const options = given === NO_OPTIONS ? given : takeWriteOptions(given)
      const write = (branch: Branch) => this.#record(this.recorded(id), branch)
      const keep = () => ({ intent: keptIntent(intent), options })
      return this.#upToDate(write, { intent, options }, keep)
    })
  }

  /**
   * A follower may not have heard yet of what a call depends on: one that is refused for that is made again once all
   * that was recorded by then is here. `keep` keeps what the caller may change meanwhile.
   */
  #upToDate<I, T>(
    call: (input: I) => Promise<T> | undefined,
    input: I,
    keep: () => I,
  ): Promise<T | undefined> {
    const role = this.#parts.role()
    if (!role.follows) return call(input) ?? Promise.resolve(undefined)
    try {
      const answer = call(input)
      if (answer !== undefined) return answer
    } catch (error) {
      const mayBeStale = STALE.some(code => hasCode(error, code))
      if (!mayBeStale) throw error
    }
    const kept = keep()
    return role.catchUp().then(() => call(kept))
  }

  /** Undefined where there is nothing to be done. */
  #record(
    session: Session,
    { intent, options, operations }: Branch,
  ): Promise<Receipt | undefined> | undefined {
    this.#assertWritable()
    const { recorder, duplicates, durability } = this.#parts
    const prepared = recorder.prepare(session, intent, options)
    if (prepared === undefined) return undefined
    if ('answer' in prepared) return prepared.answer.receipt()
    const { append, bytes } = prepared
    const receipt = recorder.write(
      [append],
      bytes,
      answer => receiptFrom(append, durability(), answer),
      operations,
    )
    duplicates.note(append, receipt as Promise<Receipt>)
    return receipt
  }

  #assertWritable(): void {
    this.assertReadable()
    const { failure } = this.#parts.writer
    if (failure !== undefined) throw failure
  }
}

/** Why a call may be refused that would be right a moment later. */
const STALE = ['SESSIONLOG_VERSION_CONFLICT', 'SESSIONLOG_SESSION_NOT_FOUND'] as const

function keptIntent(intent: Intent): Intent {
  return intent.kind === 'save' ? { ...intent, state: isolated(intent.state) } : intent
}

function isolated<T>(state: T): T {
  return reconcile(undefined, state).state as T
}
