import { concatMap, Subject } from 'rxjs'
import { SessionlogError } from '../errors.ts'
import type { MerkleTree } from './chain.ts'
import { type Append, buildCommit } from './commit.ts'
import { gatherWhileBusy } from './group.ts'
import type { EventLog, LogOperation } from './port.ts'
import { RecordWriter } from './record-writer.ts'

/** What is written together or not at all. */
export interface Transaction {
  readonly appends: readonly Append[]
  /** Derived data and the store's own records; `tree` is as the last acknowledged commit left it. */
  readonly operations?: (tree: MerkleTree) => readonly LogOperation[]
  /** True where the caller waits for the disk, whatever the store's durability. */
  readonly sync?: boolean
  /** What the transaction holds in memory, about. */
  readonly bytes: number
  /** Called once: when it is durable, or with the error that stopped the store. Must not throw. */
  readonly done: (error?: Error, answer?: Answered) => void
}

/** What another process answered with to a transaction that it didn't have to write. */
export interface Answered {
  readonly receipts: readonly unknown[]
}

/** What a store writes through. */
export interface LogWriter {
  /** The position of the last acknowledged event. */
  readonly position: number
  /** How many transactions are under way. */
  readonly pending: number
  /** What they hold in memory, about. */
  readonly pendingBytes: number
  readonly failure: SessionlogError | undefined
  push(transaction: Transaction): void
  /** Sees to it that what is acknowledged is as durable as the log can make it. */
  makeDurable(): Promise<void>
  /** Resolves once everything that was pushed before the call is durable or rejected. */
  settled(): Promise<void>
  /** Refuses what is pushed from now on, and resolves when all before it is durable or rejected. */
  end(): Promise<void>
}

export interface WriterOptions {
  /** Whether each commit waits for the disk. Otherwise the disk is waited for every `syncIntervalMs`. */
  readonly sync: boolean
  readonly syncIntervalMs: number
  /** Called for each commit, in order, before its transactions are done. Must not throw. */
  readonly onCommit: (
    appends: readonly Append[],
    operations: readonly LogOperation[],
    durationMs: number,
  ) => void
  /** Called once, when a write failed: nothing that was not committed by then ever will be. Must not throw. */
  readonly onFailure: (error: SessionlogError) => void
}

const NOTHING: readonly LogOperation[] = []

/** How many transactions go into one commit at the most; encoding them is one turn of the event loop. */
const GROUP_MAX = 4096

/**
 * The one writer. Everything that changes the log passes through its one Subject and its one `concatMap`, so
 * that commits happen one at a time and in the order of the calls. While one is on its way to the disk, others
 * gather for the next. After a failed write nothing is written any more: its outcome is unknown.
 */
export class Writer implements LogWriter {
  readonly #transactions = new Subject<Transaction>()
  readonly #idle = new Subject<void>()
  readonly #log: EventLog
  readonly #tree: MerkleTree
  readonly #records = new RecordWriter()
  readonly #options: WriterOptions
  readonly #waiting: { readonly until: number; readonly resolve: () => void }[] = []
  #ended = false
  #pushed = 0
  #settled = 0
  #pendingBytes = 0
  #position: number
  #failure: SessionlogError | undefined
  #syncTimer: NodeJS.Timeout | undefined

  constructor(log: EventLog, tree: MerkleTree, options: WriterOptions) {
    this.#log = log
    this.#tree = tree
    this.#options = options
    this.#position = tree.size
    this.#transactions
      .pipe(
        gatherWhileBusy(this.#idle, GROUP_MAX),
        concatMap(group => this.#commit(group)),
      )
      .subscribe(() => this.#idle.next())
  }

  /** The position of the last acknowledged event. */
  get position(): number {
    return this.#position
  }

  get pending(): number {
    return this.#pushed - this.#settled
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get failure(): SessionlogError | undefined {
    return this.#failure
  }

  push(transaction: Transaction): void {
    if (this.#ended) {
      transaction.done(ended())
      return
    }
    this.#pushed++
    this.#pendingBytes += transaction.bytes
    this.#transactions.next(transaction)
  }

  /** Pushes operations without events, and waits for them. */
  write(operations: (tree: MerkleTree) => readonly LogOperation[], sync = false): Promise<void> {
    return new Promise((resolve, reject) => {
      this.push({
        appends: [],
        operations,
        sync,
        bytes: 0,
        done: error => (error ? reject(error) : resolve()),
      })
    })
  }

  /** Sees to it that what is acknowledged is as durable as the log can make it. */
  async makeDurable(): Promise<void> {
    if (!this.#options.sync) await this.write(() => [], true)
  }

  /** Resolves once everything that was pushed before the call is durable or rejected. */
  settled(): Promise<void> {
    if (this.#settled === this.#pushed) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push({ until: this.#pushed, resolve }))
  }

  /** Refuses what is pushed from now on, and resolves when all before it is durable or rejected. */
  async end(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#syncTimer)
    await this.settled()
    this.#transactions.complete()
  }

  /** Must not reject: that would end the pipeline, and every later save would wait for ever. */
  async #commit(group: readonly Transaction[]): Promise<void> {
    const appends: Append[] = []
    const operations: LogOperation[] = []
    let durationMs = 0
    try {
      if (this.#failure !== undefined) throw this.#failure
      for (const transaction of group) {
        for (const operation of transaction.operations?.(this.#tree) ?? NOTHING) operations.push(operation)
        for (const append of transaction.appends) appends.push(append)
      }
      if (appends.length > 0) buildCommit(appends, this.#tree, this.#records, operations)
      const sync = this.#options.sync || group.some(each => each.sync)
      const startMs = performance.now()
      if (operations.length > 0 || sync) await this.#log.write(operations, sync)
      durationMs = performance.now() - startMs
      if (!sync) this.#syncSoon()
      this.#position = this.#tree.size
    } catch (error) {
      this.#fail(error)
    }
    try {
      if (this.#failure === undefined && appends.length > 0)
        this.#options.onCommit(appends, operations, durationMs)
    } catch (error) {
      this.#fail(error)
    }
    this.#settle(group)
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = new SessionlogError(
      'SESSIONLOG_IO_ERROR',
      'Writing to the log failed, and the store has stopped: open it again to go on',
      { cause: error },
    )
    this.#options.onFailure(this.#failure)
  }

  #settle(group: readonly Transaction[]): void {
    for (const transaction of group) {
      this.#pendingBytes -= transaction.bytes
      transaction.done(this.#failure)
    }
    this.#settled += group.length
    while (this.#waiting.length > 0 && this.#waiting[0]!.until <= this.#settled)
      this.#waiting.shift()!.resolve()
  }

  #syncSoon(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined
      this.write(() => [], true).catch(() => {})
    }, this.#options.syncIntervalMs).unref()
  }
}

function ended(): SessionlogError {
  return new SessionlogError('SESSIONLOG_NOT_OPEN', 'The store was closed meanwhile')
}
