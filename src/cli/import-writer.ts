import type { Receipt, StoreOptions } from '../index.ts'
import type { Store } from './context.ts'
import type { ImportLine } from './import-line.ts'
import type { Entry } from './import-source.ts'

/** How much is on its way to the disk at once, twice: one group is gathered while the one before is written. */
const GROUP_LINES = 1000
const GROUP_BYTES = 8 * 1024 * 1024

/** Writes lines in order, without waiting for each. */
export class ImportWriter {
  saved = 0
  deleted = 0
  skipped = 0
  readonly #reopen: (options: StoreOptions<unknown>) => Promise<Store>
  readonly #sessions = new Set<string>()
  /** Expiries in the past: set at the end, lest they end a session that more lines follow of. */
  readonly #pastExpiries = new Map<string, number>()
  #store: Store
  #schema: number | undefined
  #group: Promise<void>[] = []
  #groupBytes = 0
  #before: Promise<unknown> = Promise.resolve()

  /** `reopen` opens the same store with other options, once this one is closed. */
  constructor(store: Store, reopen: (options: StoreOptions<unknown>) => Promise<Store>) {
    this.#store = store
    this.#reopen = reopen
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /** `onRefused` is told where the line isn't taken after all; it may throw to end the import. */
  async write({ parse, bytes }: Entry, onRefused: (error: unknown) => void): Promise<void> {
    let line: ImportLine
    try {
      line = parse()
    } catch (error) {
      // The file is not what it was when it was checked.
      return onRefused(error)
    }
    if (line.schemaVersion !== undefined) await this.useSchema(line.schemaVersion)
    this.#group.push(this.#send(line).then(receipt => this.#count(line, receipt), onRefused))
    this.#groupBytes += bytes
    if (this.#group.length >= GROUP_LINES || this.#groupBytes >= GROUP_BYTES) await this.#turn()
  }

  /** States keep the schema that they were saved with; the store is opened anew for each. */
  async useSchema(schemaVersion: number): Promise<void> {
    if (schemaVersion === this.#schema) return
    await this.#drain()
    await this.#store.close()
    this.#store = await this.#reopen({ schemaVersion })
    this.#schema = schemaVersion
  }

  async finish(): Promise<void> {
    await this.#drain()
    for (const [session, expiresAt] of this.#pastExpiries) this.#store.touch(session, expiresAt)
    await this.#store.flush()
  }

  async close(): Promise<void> {
    await this.#drain().catch(() => {})
    await this.#store.close()
  }

  #send(line: ImportLine): Promise<Receipt | undefined> {
    const { session, state, options } = line
    this.#sessions.add(session)
    if (state === undefined) {
      this.#pastExpiries.delete(session)
      return this.#store.delete(session, options)
    }
    const expiresAt = this.#expiry(line)
    return this.#store.save(session, state, expiresAt === undefined ? options : { ...options, expiresAt })
  }

  #expiry({ session, expiresAt }: ImportLine): number | undefined {
    if (expiresAt === undefined) return undefined
    this.#pastExpiries.delete(session)
    if (expiresAt > Date.now()) return expiresAt
    this.#pastExpiries.set(session, expiresAt)
    return undefined
  }

  #count({ state }: ImportLine, receipt: Receipt | undefined): void {
    if (receipt === undefined || receipt.deduplicated) this.skipped++
    else if (state === undefined) this.deleted++
    else this.saved++
  }

  async #turn(): Promise<void> {
    const before = this.#before
    this.#before = Promise.all(this.#group)
    // Nobody waits for it yet.
    this.#before.catch(() => {})
    this.#group = []
    this.#groupBytes = 0
    await before
  }

  async #drain(): Promise<void> {
    await this.#turn()
    await this.#turn()
  }
}
