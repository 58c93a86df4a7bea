import { SessionlogError } from '../errors.ts'
import type { EventFacts } from '../log/codec.ts'
import { parseSessionKey } from '../log/keys.ts'
import type { EventLog, LogRecord } from '../log/port.ts'
import { corrupted, type RawEvent, readRecord } from '../log/record.ts'
import { retentionAfter } from '../log/retention.ts'
import { AuditedHead } from './audited-head.ts'
import { madeOf } from './audited-state.ts'
import { Claims } from './claims.ts'
import { CommitAudit } from './commit-audit.ts'
import { EventIdAudit } from './event-id-audit.ts'
import { type ForkPoint, forkedFrom } from './lineage.ts'
import { RetentionAudit } from './retention-audit.ts'
import type { Session } from './session.ts'

export interface AuditOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { readonly events: number; readonly of: number }) => void) | undefined
}

/**
 * Reads every event up to a position and holds it against all that speaks of it: its hash, its session's chain,
 * its position, the commits and their roots, its id, the bases, and the cache. Goes on after a problem.
 */
export class EventAudit {
  readonly position: number
  root = ''
  commits = 0
  bases = 0
  /** Of sessions that say so in their first event. */
  readonly forks = new Map<string, ForkPoint>()
  readonly #log: EventLog
  readonly #report: (error: unknown) => void
  readonly #heads = new Map<string, AuditedHead>()
  readonly #claims = new Claims()
  readonly #ids: EventIdAudit
  readonly #retention: RetentionAudit
  readonly #sessions: ReadonlyMap<string, Session>
  /** Each event's hash by its position; zeros where none was found. */
  readonly leaves: Buffer
  /** When each event was recorded, by its position. */
  readonly #times: Float64Array
  #events = 0
  /** Whether the log could be read to its end. */
  #complete = false

  constructor(
    log: EventLog,
    sessions: ReadonlyMap<string, Session>,
    position: number,
    report: (error: unknown) => void,
  ) {
    this.#log = log
    this.#ids = new EventIdAudit(log)
    this.#retention = new RetentionAudit(log, this.#heads, report)
    this.#sessions = sessions
    this.position = position
    this.#report = report
    this.leaves = Buffer.alloc(32 * position)
    this.#times = new Float64Array(position)
    for (const session of sessions.values()) {
      const cached = session.decoded
      if (cached !== undefined) this.#claims.cached(cached)
    }
  }

  get sessions(): number {
    return this.#heads.size
  }

  /** False where a session could not be read to its end: what is wrong with it has been told. */
  trusts(sessionId: string): boolean {
    return this.#complete && this.#heads.get(sessionId)?.broken !== true
  }

  head(sessionId: string): AuditedHead | undefined {
    return this.#heads.get(sessionId)
  }

  async run({ signal, onProgress }: AuditOptions): Promise<void> {
    const progress = () => onProgress?.({ events: this.#events, of: this.position })
    await this.#try(() => this.#readStrays())
    await this.#try(async () => {
      await this.#retention.readPruned(event => this.#note(event), signal)
      await this.#readSealed(signal, progress)
      await this.#readTail(signal, progress)
      this.#complete = true
    })
    if (!this.#complete) return
    await this.#try(() => this.#readRetentions())
    await this.#try(() => this.#readIds())
    await this.#try(() => this.#readCommits(signal))
    for (const { sessionId, error } of this.#claims.rest()) if (this.trusts(sessionId)) this.#report(error)
  }

  /** Bases and sealed records come in the same order, so a state and a base are only kept until they have met. */
  async #readSealed(signal: AbortSignal | undefined, onPage: () => void): Promise<void> {
    const inTail = new Set(this.#log.unsealed().map(([sessionId]) => sessionId))
    const bases = this.#readBases()
    let last: AuditedHead | undefined
    try {
      for await (const page of this.#log.sealed(signal)) {
        const { sessionId } = page.at(-1)!
        while (!this.#claims.hasBase(sessionId)) if ((await bases.next()).done) break
        for (const record of page) {
          const head = this.#record(record)
          if (head !== last) last?.rest()
          last = inTail.has(record.sessionId) ? undefined : head
        }
        onPage()
      }
      while (!(await bases.next()).done);
    } finally {
      await bases.return()
    }
  }

  async #readTail(signal: AbortSignal | undefined, onPage: () => void): Promise<void> {
    for await (const page of this.#log.tail(signal)) {
      for (const record of page) this.#record(record)
      onPage()
    }
    for (const head of this.#heads.values()) head.rest()
  }

  async *#readBases(): AsyncGenerator<void, void, undefined> {
    for await (const page of this.#log.bases()) {
      for (const stored of page) {
        this.bases++
        this.#attempt(() => this.#claims.stored(stored))
      }
      yield
    }
  }

  async #readStrays(): Promise<void> {
    for await (const page of this.#log.strays()) {
      for (const key of page) {
        const { sessionId } = parseSessionKey(key)
        const message = `The log has an entry that is none of the store's, under the key ${JSON.stringify(key)}`
        this.#report(new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId }))
      }
    }
  }

  /** Reads a record's events, unless the session was found to be broken before, or is now. */
  #record(record: LogRecord): AuditedHead {
    const { sessionId, firstPosition, firstVersion, bytes, isArchived } = record
    const head = this.#heads.get(sessionId) ?? new AuditedHead()
    if (head.version === 0) this.#heads.set(sessionId, head)
    if (head.broken) return head
    if (firstPosition === undefined) {
      head.segmentVersion = isArchived ? 0 : firstVersion
      head.segmentBytes = isArchived ? 0 : bytes.length
    }
    this.#attempt(() => {
      const claimed = this.#claims.versionsOf(sessionId)
      for (const event of readRecord(record)) {
        if (event.position > this.position) continue
        this.#event(head, event)
        if (!claimed.includes(event.version)) continue
        for (const error of this.#claims.settle(sessionId, head)) this.#report(error)
      }
    }, head)
    return head
  }

  #event(head: AuditedHead, event: RawEvent): void {
    const { sessionId, version, position } = event
    if (version !== head.version + 1) throw corrupted(sessionId, head.version + 1, 'is missing from the log')
    if (event.previousHash !== head.hash || position <= head.position)
      throw corrupted(sessionId, version, 'does not follow the one before')
    const facts = this.#fold(head, event)
    const { eventId } = facts
    if (eventId !== undefined && !this.#ids.finds({ sessionId, eventId, version }))
      this.#report(corrupted(sessionId, version, `is not found by its event id '${eventId}'`))
    head.version = version
    head.position = position
    head.recordedAt = event.recordedAt
    head.hash = event.hash
    head.schemaVersion = facts.schemaVersion ?? 0
    head.said = retentionAfter(head.said, facts) ?? head.said
    head.positions.push(position)
    this.#note(event)
  }

  #note({ position, recordedAt, hash }: Pick<RawEvent, 'position' | 'recordedAt' | 'hash'>): void {
    if (position > this.position) return
    this.leaves.write(hash, 32 * (position - 1), 32, 'hex')
    this.#times[position - 1] = recordedAt
    this.#events++
  }

  /** Moves the head's state on, and answers with what else the event says. */
  #fold(head: AuditedHead, event: RawEvent): EventFacts {
    const { sessionId, version } = event
    const { payload, folded } = madeOf(event, head.state, version === head.cut)
    head.state = folded
    const { facts } = payload
    const fork = version === 1 ? forkedFrom(sessionId, facts) : undefined
    if (fork !== undefined) this.forks.set(sessionId, fork)
    return facts
  }

  async #readRetentions(): Promise<void> {
    const versionOf = (id: string) => this.#sessions.get(id)?.acknowledged.version ?? 0
    await this.#retention.readRetentions(id => versionOf(id) > (this.#heads.get(id)?.version ?? 0))
  }

  async #readIds(): Promise<void> {
    const versionOf = (id: string) => (this.trusts(id) ? (this.#heads.get(id)?.version ?? 0) : undefined)
    for await (const stray of this.#ids.strays(versionOf)) this.#report(stray)
  }

  async #readCommits(signal?: AbortSignal): Promise<void> {
    const audit = new CommitAudit(this.#heads, { leaves: this.leaves, times: this.#times }, this.#report)
    try {
      for await (const page of this.#log.commits(0, signal)) {
        for (const commit of page) if (commit.lastPosition <= this.position) audit.read(commit)
      }
      if (audit.position < this.position) throw audit.missing()
      audit.finish()
      this.root = audit.root
    } finally {
      this.commits = audit.commits
    }
  }

  /** A problem is told, and the audit goes on; the session that it was found in is not believed any further. */
  #attempt(check: () => void, head?: AuditedHead): void {
    try {
      check()
    } catch (error) {
      if (head !== undefined) head.broken = true
      this.#report(error)
    }
  }

  async #try(check: () => Promise<void>): Promise<void> {
    try {
      await check()
    } catch (error) {
      this.#report(error)
    }
  }
}
