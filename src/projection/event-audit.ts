import { SessionlogError } from '../errors.ts'
import { decodeBase } from '../log/base.ts'
import { MerkleTree, NO_HASH } from '../log/chain.ts'
import { decodePayload } from '../log/codec.ts'
import type { CommitRecord, EventLog, LogRecord } from '../log/port.ts'
import { corrupted, KIND, type RawEvent, readRecord } from '../log/record.ts'
import { apply } from '../state/apply.ts'
import { equal } from '../state/values.ts'
import { type ForkPoint, forkedFrom } from './lineage.ts'
import type { Session } from './session.ts'
import { baseState } from './stored-state.ts'

/** A session as the events read so far make it. */
export interface AuditedHead {
  version: number
  position: number
  recordedAt: number
  hash: string
  schemaVersion: number
  state: unknown
  /** Set where an event could not be believed: nothing is said of what follows it. */
  broken: boolean
}

/** What else says how a session is at a version. */
interface Claim {
  readonly version: number
  readonly hash: string
  /** Called when it is compared: a base is decoded no earlier than that. */
  readonly state: () => unknown
  readonly what: string
}

export interface AuditOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { readonly events: number; readonly of: number }) => void) | undefined
}

/**
 * Reads every event up to a position and holds it against all that speaks of it: its hash, its session's chain,
 * its position, the roots of the commits, its id, the bases, and the cache. Goes on after a problem.
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
  readonly #claims = new Map<string, Claim[]>()
  /** Each event's hash by its position; zeros where none was found. */
  readonly leaves: Buffer
  #events = 0
  /** Whether the log could be read to its end. */
  #complete = false

  constructor(
    log: EventLog,
    sessions: Iterable<Session>,
    position: number,
    report: (error: unknown) => void,
  ) {
    this.#log = log
    this.position = position
    this.#report = report
    this.leaves = Buffer.alloc(32 * position)
    for (const session of sessions) {
      const claim = session.decoded
      if (claim !== undefined) this.#claim(session.id, { ...claim, state: () => claim.state, what: 'cache' })
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
    await this.#try(() => this.#readBases())
    await this.#try(async () => {
      await this.#readRecords(this.#log.sealed(signal), { signal, onProgress })
      await this.#readRecords(this.#log.tail(signal), { signal, onProgress })
      this.#complete = true
    })
    if (!this.#complete) return
    await this.#try(() => this.#readCommits(signal))
    for (const [id, claims] of this.#claims) {
      if (!this.trusts(id)) continue
      for (const claim of claims)
        this.#report(corrupted(id, claim.version, `is in the ${claim.what}, but not in the log`))
    }
  }

  async #readRecords(part: AsyncIterable<readonly LogRecord[]>, { onProgress }: AuditOptions): Promise<void> {
    for await (const page of part) {
      for (const record of page) await this.#try(() => this.#record(record), record.sessionId)
      onProgress?.({ events: this.#events, of: this.position })
    }
  }

  async #readBases(): Promise<void> {
    for await (const page of this.#log.bases()) {
      for (const stored of page) {
        this.bases++
        await this.#try(() => {
          const base = decodeBase(stored)
          const { sessionId, version, hash } = base
          this.#claim(sessionId, { version, hash, state: () => baseState(base), what: 'base' })
        })
      }
    }
  }

  #record(record: LogRecord): void {
    const head = this.#heads.get(record.sessionId) ?? {
      version: 0,
      position: 0,
      recordedAt: 0,
      hash: NO_HASH,
      schemaVersion: 0,
      state: undefined,
      broken: false,
    }
    this.#heads.set(record.sessionId, head)
    if (head.broken) return
    for (const event of readRecord(record)) {
      if (event.position <= this.position) this.#event(head, event)
    }
  }

  #event(head: AuditedHead, event: RawEvent): void {
    const { sessionId, version } = event
    if (version !== head.version + 1) throw corrupted(sessionId, head.version + 1, 'is missing from the log')
    if (event.previousHash !== head.hash)
      throw corrupted(sessionId, version, 'does not follow the one before')
    const { facts, changes, state } = decodePayload(event)
    const folded =
      event.kind === KIND.WHOLE || event.kind === KIND.DELETED ? state : apply(changes, head.state)
    if (event.kind === KIND.KEYFRAME && !equal(folded, state)) {
      throw corrupted(sessionId, version, 'holds a state that its changes do not make')
    }
    if (facts.eventId !== undefined && this.#log.findEventId(sessionId, facts.eventId) !== version) {
      this.#report(corrupted(sessionId, version, `is not found by its event id '${facts.eventId}'`))
    }
    const fork = version === 1 ? forkedFrom(facts) : undefined
    if (fork !== undefined) this.forks.set(sessionId, fork)
    head.version = version
    head.position = event.position
    head.recordedAt = event.recordedAt
    head.hash = event.hash
    head.schemaVersion = facts.schemaVersion ?? 0
    head.state = folded
    this.leaves.write(event.hash, 32 * (event.position - 1), 32, 'hex')
    this.#events++
    this.#settleClaims(sessionId, head)
  }

  #claim(sessionId: string, claim: Claim): void {
    if (claim.version === 0) return
    const claims = this.#claims.get(sessionId)
    if (claims === undefined) this.#claims.set(sessionId, [claim])
    else claims.push(claim)
  }

  /** Compares what was claimed of this version with what the events make of it. */
  #settleClaims(sessionId: string, head: AuditedHead): void {
    const claims = this.#claims.get(sessionId)
    if (claims === undefined) return
    for (const claim of claims.filter(each => each.version === head.version)) {
      if (claim.hash !== head.hash || !equal(claim.state(), head.state)) {
        this.#report(corrupted(sessionId, head.version, `is not in the ${claim.what} as it is in the log`))
      }
      claims.splice(claims.indexOf(claim), 1)
    }
    if (claims.length === 0) this.#claims.delete(sessionId)
  }

  async #readCommits(signal?: AbortSignal): Promise<void> {
    const tree = new MerkleTree()
    for await (const page of this.#log.commits(0, signal)) {
      for (const commit of page) if (commit.lastPosition <= this.position) this.#commit(commit, tree)
    }
    this.root = tree.root()
    if (tree.size < this.position) throw missing(`The commit after position ${tree.size}`)
  }

  #commit(commit: CommitRecord, tree: MerkleTree): void {
    const { firstPosition, lastPosition, root, runs } = commit
    if (firstPosition !== tree.size + 1) throw missing(`The commit after position ${tree.size}`)
    this.commits++
    for (let position = firstPosition; position <= lastPosition; position++) {
      const leaf = this.leaves.toString('hex', 32 * (position - 1), 32 * position)
      if (leaf === NO_HASH) this.#report(missing(`The event at position ${position}`))
      tree.append(leaf)
    }
    if (tree.root() !== root)
      throw missing(`The root of the commit at position ${lastPosition}, or an event before it,`)
    if (runs.reduce((sum, run) => sum + run.count, 0) !== lastPosition - firstPosition + 1) {
      throw missing(`The index of the commit at position ${lastPosition}`)
    }
  }

  /** A problem is told, and the audit goes on; the session that it was found in is not believed any further. */
  async #try(check: () => void | Promise<void>, sessionId?: string): Promise<void> {
    try {
      await check()
    } catch (error) {
      const head = sessionId === undefined ? undefined : this.#heads.get(sessionId)
      if (head !== undefined) head.broken = true
      this.#report(error)
    }
  }
}

function missing(what: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `${what} is missing from the log, or damaged`)
}
