import { MerkleTree } from '../log/chain.ts'
import type { CommitRecord, Run } from '../log/port.ts'
import { corrupted } from '../log/record.ts'
import { damaged, lastOf, wrongRoot } from './diagnosis.ts'

/** What the audit of the events knows of a session. */
export interface AuditedSession {
  readonly version: number
  /** Of each event, in the order of their versions. */
  readonly positions: readonly number[]
  /** Of the last event. */
  readonly recordedAt: number
  /** How many of the events stand in the commits read so far. */
  committed: number
  /** Set where an event could not be believed: nothing is said of what follows it. */
  readonly broken: boolean
}

/** Holds the commits against the events: which they are, when they were, and the tree's root after them. */
export class CommitAudit {
  commits = 0
  readonly #sessions: ReadonlyMap<string, AuditedSession>
  readonly #leaves: Buffer
  readonly #times: Float64Array
  readonly #report: (error: unknown) => void
  readonly #tree = new MerkleTree()
  #position = 0
  /** False behind an event that is missing: no root can be told from there on. */
  #rooted = true

  /** Both `leaves` and `times` are by position: each event's hash (zeros where it is missing), and its time. */
  constructor(
    sessions: ReadonlyMap<string, AuditedSession>,
    { leaves, times }: { leaves: Buffer; times: Float64Array },
    report: (error: unknown) => void,
  ) {
    this.#sessions = sessions
    this.#leaves = leaves
    this.#times = times
    this.#report = report
  }

  /** Up to where the commits go that were read. */
  get position(): number {
    return this.#position
  }

  /** The tree's root; empty where it cannot be told. */
  get root(): string {
    return this.#rooted ? this.#tree.root() : ''
  }

  read(commit: CommitRecord): void {
    const { firstPosition, lastPosition, recordedAt, root, runs } = commit
    if (firstPosition !== this.#position + 1) throw this.missing()
    this.commits++
    this.#position = lastPosition
    const gap = this.#append(firstPosition, lastPosition)
    if (gap !== undefined) this.#tellMissing(gap, runs)
    if (!this.#rooted) return
    if (this.#tree.root() !== root) throw wrongRoot(lastPosition)
    if (this.#times[lastPosition - 1] !== recordedAt)
      throw damaged(`The time of the commit at position ${lastPosition}`, { position: lastPosition })
    // The root is right, and with it every event: it is the index that may be wrong.
    if (!runs.every(run => this.#holds(run, commit)))
      throw damaged(`The index of the commit at position ${lastPosition}`, { position: lastPosition })
  }

  /** The commit after the last one that was read. */
  missing() {
    return damaged(`The commit after position ${this.#position}`, { position: this.#position + 1 })
  }

  /** Tells of events that no commit has. REQUIRES: all commits have been read. */
  finish(): void {
    if (!this.#rooted) return
    for (const [id, { version, committed, broken }] of this.#sessions) {
      if (!broken && version > committed) this.#report(corrupted(id, committed + 1, 'is not in any commit'))
    }
  }

  /** Appends events to the tree; answers with the position of one that is not there. */
  #append(firstPosition: number, lastPosition: number): number | undefined {
    for (let position = firstPosition; position <= lastPosition; position++) {
      const leaf = this.#leaves.toString('latin1', 32 * (position - 1), 32 * position)
      if (leaf === NO_LEAF) {
        this.#rooted = false
        return position
      }
      if (this.#rooted) this.#tree.append(leaf)
    }
    return undefined
  }

  /** Names what the commit has and its session does not, unless that was told when the session was read. */
  #tellMissing(position: number, runs: readonly Run[]): void {
    const short = runs.filter(run => lastOf(run) > (this.#sessions.get(run.sessionId)?.version ?? 0))
    if (short.length === 0) throw damaged(`The event at position ${position}`, { position })
    for (const { sessionId, firstVersion } of short) {
      const { version, broken } = this.#sessions.get(sessionId) ?? { version: 0, broken: false }
      if (!broken)
        this.#report(corrupted(sessionId, Math.max(firstVersion, version + 1), 'is missing from the log'))
    }
  }

  /** Versions go on without a gap from commit to commit, so a run's two ends say that all of it is there. */
  #holds({ sessionId, firstVersion, count }: Run, { firstPosition, lastPosition }: CommitRecord): boolean {
    const session = this.#sessions.get(sessionId)
    if (session === undefined || firstVersion !== session.committed + 1) return false
    session.committed += count
    const { positions, committed } = session
    return positions[firstVersion - 1]! >= firstPosition && positions[committed - 1]! <= lastPosition
  }
}

/** Where no event was found. */
const NO_LEAF = '\0'.repeat(32)
