import { commitFromPlain, type PlainCommit, type PlainRecord, recordFromPlain } from '../log/plain-form.ts'
import type {
  CommitRecord,
  Expiry,
  Fork,
  Frontier,
  LogRecord,
  LogView,
  StoredBase,
  VersionRange,
} from '../log/port.ts'
import type { PrunedRun, Retention } from '../log/retention.ts'
import type { Caller } from './caller.ts'

/** What a follower reads of the owner's log when it is asked about the past. */
export class RemoteLog {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  async *read(sessionId: string, range: VersionRange): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const { from, to, reverse = false, signal } = range
    const pages = this.#caller.pages<PlainRecord[]>('read', [sessionId, from, to, reverse], signal)
    for await (const page of pages) yield page.map(recordFromPlain)
  }

  async *commits(
    after: number,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly CommitRecord[], void, undefined> {
    const pages = this.#caller.pages<PlainCommit[]>('commits', [after], signal)
    for await (const page of pages) yield page.map(commitFromPlain)
  }

  async lastCommit(): Promise<CommitRecord | undefined> {
    const last = await this.#caller.call('lastCommit')
    return last === undefined ? undefined : commitFromPlain(last as PlainCommit)
  }

  async view(): Promise<RemoteView> {
    return new RemoteView(this.#caller, (await this.#caller.call('openView')) as number)
  }

  async *forks(sessionId?: string): AsyncGenerator<readonly Fork[], void, undefined> {
    yield* this.#caller.pages<readonly Fork[]>('forks', [sessionId])
  }
}

/** The owner's log as it was when the view was opened. */
export class RemoteView implements LogView {
  readonly #caller: Caller
  readonly #id: number

  constructor(caller: Caller, id: number) {
    this.#caller = caller
    this.#id = id
  }

  async readFrontier(): Promise<Frontier | undefined> {
    return (await this.#caller.call('view', [this.#id, 'frontier'])) as Frontier | undefined
  }

  async *commits(after: number): AsyncGenerator<readonly CommitRecord[], void, undefined> {
    const pages = this.#caller.pages<PlainCommit[]>('view', [this.#id, 'commits', after])
    for await (const page of pages) yield page.map(commitFromPlain)
  }

  async *bases(): AsyncGenerator<readonly StoredBase[], void, undefined> {
    yield* this.#caller.pages<readonly StoredBase[]>('view', [this.#id, 'bases'])
  }

  async *expiries(): AsyncGenerator<readonly Expiry[], void, undefined> {
    yield* this.#caller.pages<readonly Expiry[]>('view', [this.#id, 'expiries'])
  }

  async *pruned(): AsyncGenerator<readonly PrunedRun[], void, undefined> {
    yield* this.#caller.pages<readonly PrunedRun[]>('view', [this.#id, 'pruned'])
  }

  async *retentions(): AsyncGenerator<readonly Retention[], void, undefined> {
    yield* this.#caller.pages<readonly Retention[]>('view', [this.#id, 'retentions'])
  }

  async close(): Promise<void> {
    await this.#caller.call('closeView', [this.#id])
  }

  sealed(): AsyncIterable<readonly LogRecord[]> {
    return this.#records('sealed')
  }

  tail(): AsyncIterable<readonly LogRecord[]> {
    return this.#records('tail')
  }

  async *#records(part: string): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const pages = this.#caller.pages<PlainRecord[]>('view', [this.#id, part])
    for await (const page of pages) yield page.map(recordFromPlain)
  }
}
