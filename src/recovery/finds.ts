import { decodeBase } from '../log/base.ts'
import type { CommitRecord, EventLog, Expiry, LogOperation, StoredBase, StoreRecord } from '../log/port.ts'
import { packRecord, type RawEvent } from '../log/record.ts'

/** What is known of a session. */
export class FoundSession {
  /** Of each event that was found, by its version; holes where none was. */
  readonly positions: number[] = []
  /** The same, in Latin-1: a character a byte. */
  readonly hashes: string[] = []
  /** The greatest version that anything speaks of. */
  last = 0
  /** Of the base that was found, which is in the scratch. */
  base = 0

  has(version: number): boolean {
    return this.hashes[version - 1] !== undefined
  }
}

/** An event that cannot be kept, because another one stands in its place. */
export interface Conflict {
  readonly sessionId: string
  readonly version: number
  /** Where the other one was found, and not this one. */
  readonly source: string
}

/** Written at once: so many operations at the least. */
const BATCH = 1000

/**
 * What was found of a store's events, wherever. Of two sources that say something else the first is believed. The events
 * themselves are put into a log of their own, each as a record.
 */
export class Finds {
  readonly sessions = new Map<string, FoundSession>()
  /** Hashes by position, as far as there is an event for it. */
  readonly leaves: string[] = []
  readonly expiries = new Map<string, Expiry>()
  readonly conflicts: Conflict[] = []
  /** New events that each source brought. */
  readonly brought = new Map<string, number>()
  record: StoreRecord | undefined
  /** The greatest position that anything speaks of. */
  position = 0
  readonly #scratch: EventLog
  readonly #origin: string | undefined
  readonly #commits = new Set<number>()
  #operations: LogOperation[] = []
  #source = ''

  /** `origin` is that of the store, as what lies beside its log says. */
  constructor(scratch: EventLog, origin: string | undefined) {
    this.#scratch = scratch
    this.#origin = origin
  }

  /** Of the store; undefined where nothing says it. */
  get origin(): string | undefined {
    return this.record?.origin ?? this.#origin
  }

  begin(source: string): void {
    this.#source = source
    this.brought.set(source, 0)
  }

  session(id: string): FoundSession {
    let session = this.sessions.get(id)
    if (session === undefined) {
      session = new FoundSession()
      this.sessions.set(id, session)
    }
    return session
  }

  events(events: readonly RawEvent[]): Promise<void> | undefined {
    const fresh = events.filter(event => this.#note(event))
    this.brought.set(this.#source, this.brought.get(this.#source)! + fresh.length)
    for (const event of fresh) {
      const { sessionId, version } = event
      const segments = [{ sessionId, firstVersion: version, bytes: packRecord([event]) }]
      this.#operations.push({ op: 'seal', sessionId, lastVersion: version, segments })
    }
    return this.#mayFlush()
  }

  commit(commit: CommitRecord): Promise<void> | undefined {
    const { lastPosition, runs } = commit
    this.hear(lastPosition)
    for (const { sessionId, firstVersion, count } of runs)
      this.hear(lastPosition, sessionId, firstVersion + count - 1)
    if (this.#commits.has(lastPosition)) return undefined
    this.#commits.add(lastPosition)
    this.#operations.push({ op: 'commit', commit })
    return this.#mayFlush()
  }

  base(stored: StoredBase): void {
    const { sessionId, version, position } = decodeBase(stored)
    this.hear(position, sessionId, version)
    const session = this.session(sessionId)
    if (version <= session.base) return
    session.base = version
    this.#operations.push({ op: 'base', sessionId, bytes: stored.bytes })
  }

  /** Takes note of what there once was. */
  hear(position: number, sessionId?: string, version = 0): void {
    this.position = Math.max(this.position, position)
    if (sessionId === undefined) return
    const session = this.session(sessionId)
    session.last = Math.max(session.last, version)
  }

  /** Whether it is the event that is at its position. */
  holds({ position, hash }: RawEvent): boolean {
    return this.leaves[position - 1] === Buffer.from(hash, 'hex').toString('latin1')
  }

  async flush(): Promise<void> {
    const operations = this.#operations
    this.#operations = []
    if (operations.length > 0) await this.#scratch.write(operations, false)
  }

  #mayFlush(): Promise<void> | undefined {
    return this.#operations.length < BATCH ? undefined : this.flush()
  }

  /** False for an event that is there already, or in whose place another is. */
  #note({ sessionId, version, position, hash }: RawEvent): boolean {
    this.hear(position, sessionId, version)
    const session = this.session(sessionId)
    const found = Buffer.from(hash, 'hex').toString('latin1')
    const known = session.hashes[version - 1]
    if (known !== undefined) {
      if (known !== found) this.conflicts.push({ sessionId, version, source: this.#source })
      return false
    }
    session.positions[version - 1] = position
    session.hashes[version - 1] = found
    this.leaves[position - 1] ??= found
    return true
  }
}
