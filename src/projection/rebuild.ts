import type { SessionlogError } from '../errors.ts'
import { decodeBase } from '../log/base.ts'
import { MerkleTree } from '../log/chain.ts'
import type { Expiry, Frontier, LogReads, LogRecord, StoredBase } from '../log/port.ts'
import { corrupted, KIND, type RawEvent, readRecord } from '../log/record.ts'
import type { PrunedRun, Retention } from '../log/retention.ts'
import { damaged, findWrongCount, findWrongRoot } from './diagnosis.ts'
import { Session } from './session.ts'
import { Slabs } from './slab.ts'

export interface RebuildOptions {
  /** Reads every event instead of the bases. */
  readonly ignoreBases?: boolean
  readonly onProgress?: ((progress: OpenProgress) => void) | undefined
}

/** How far open() has come. */
export interface OpenProgress {
  /** How many have been read so far. */
  readonly sessions: number
  readonly events: number
}

/** What the log says, ready to go on from. */
export interface Rebuilt {
  readonly sessions: Map<string, Session>
  readonly tree: MerkleTree
  /** Of the last event, ms since the epoch. */
  readonly recordedAt: number
}

/**
 * Rebuilds the sessions from their bases and the tail of the log, in one ordered pass each; the history before
 * is not read. Every base and event is compared with its hash, every event with the one before, the tree with
 * the root of the last commit, and the number of events with the last position.
 */
export async function rebuild(log: LogReads, options: RebuildOptions = {}): Promise<Rebuilt> {
  const found = await log.readFrontier()
  const frontier = found ?? { position: 0, peaks: [] }
  const pass = new Pass(frontier, await touches(log), options)
  for await (const page of log.retentions()) pass.retentions(page)
  if (options.ignoreBases) {
    for await (const page of log.pruned()) pass.pruned(page)
    for await (const page of log.sealed()) pass.segments(page)
  } else for await (const page of log.bases()) pass.bases(page)
  // No base is written before the frontier is.
  if (found === undefined && !options.ignoreBases && pass.sessions.size > 0) throw damaged('The frontier')
  for await (const page of log.tail()) pass.records(page)
  const { position, recordedAt, root } = await lastCommit(log, frontier)
  pass.finish(position)
  if (pass.tree.root() !== root) throw await findWrongRoot(log, frontier, pass.leaves)
  if (pass.count() !== position) throw await findWrongCount(log, pass.sessions)
  return { sessions: pass.sessions, tree: pass.tree, recordedAt }
}

class Pass {
  readonly sessions = new Map<string, Session>()
  readonly tree: MerkleTree
  /** Hashes of the events after the frontier, by position. */
  readonly leaves: string[] = []
  readonly #frontier: number
  readonly #touches: ReadonlyMap<string, Expiry>
  readonly #onProgress: RebuildOptions['onProgress']
  readonly #slabs = new Slabs()
  readonly #retained = new Map<string, Retention>()
  #events = 0

  constructor(frontier: Frontier, touched: ReadonlyMap<string, Expiry>, options: RebuildOptions) {
    if (!MerkleTree.fits(frontier.position, frontier.peaks)) throw damaged('The frontier')
    this.tree = new MerkleTree(frontier.position, frontier.peaks)
    this.#frontier = frontier.position
    this.#touches = touched
    this.#onProgress = options.onProgress
  }

  retentions(page: readonly Retention[]): void {
    for (const each of page) this.#retained.set(each.sessionId, each)
  }

  /** Of these the hashes are all there is. */
  pruned(page: readonly PrunedRun[]): void {
    for (const { events } of page) for (const event of events) this.#leaf(event)
  }

  bases(page: readonly StoredBase[]): void {
    for (const stored of page) {
      const base = decodeBase(stored)
      const { sessionId } = base
      if (sessionId !== stored.sessionId) throw damaged(`The base of session '${sessionId}'`, { sessionId })
      const session = this.#begin(base.sessionId)
      const touched = this.#touches.get(base.sessionId)
      const expiresAt =
        touched !== undefined && touched.version >= base.version ? touched.expiresAt : base.expiresAt
      session.restore(base, this.#slabs.keep(base.text), expiresAt)
    }
    this.#report()
  }

  segments(page: readonly LogRecord[]): void {
    this.records(page)
    for (const { sessionId, firstVersion, bytes, isArchived } of page) {
      const session = this.#session(sessionId)
      session.segmentVersion = isArchived ? 0 : firstVersion
      session.segmentBytes = isArchived ? 0 : bytes.length
    }
  }

  records(page: readonly LogRecord[]): void {
    for (const record of page) {
      const session = this.#session(record.sessionId)
      const events = readRecord(record)
      const whole = events.findLastIndex(event => event.kind !== KIND.CHANGES)
      for (const [index, event] of events.entries()) this.#event(session, event, index >= whole)
      this.#events += events.length
    }
    this.#report()
  }

  /** Appends the events after the frontier to the tree. */
  finish(position: number): void {
    for (let at = this.#frontier + 1; at <= position; at++) {
      const leaf = this.leaves[at - this.#frontier - 1]
      if (leaf === undefined) throw damaged(`The event at position ${at}`, { position: at })
      this.tree.append(leaf)
    }
    if (this.leaves.length > position - this.#frontier) throw commitMissing(position)
  }

  /** How many events the sessions have. */
  count(): number {
    let events = 0
    for (const session of this.sessions.values()) events += session.version
    return events
  }

  /** `kept` is false for an event that a later one makes needless for the state. */
  #event(session: Session, event: RawEvent, kept: boolean): void {
    this.#leaf(event)
    // A base may be newer than the first events of the tail.
    if (event.version <= session.version) {
      if (event.version === session.version && event.hash !== session.hash) {
        throw corrupted(session.id, event.version, 'is not the one that the base was made from')
      }
      return
    }
    if (event.version !== session.version + 1)
      throw corrupted(session.id, session.version + 1, 'is missing from the log')
    if (event.previousHash !== session.hash)
      throw corrupted(session.id, event.version, 'does not follow the one before')
    session.replay(event, this.#expiry(session, event), kept ? this.#slabs.keep(event.bytes) : undefined)
  }

  #leaf({ position, hash }: Pick<RawEvent, 'position' | 'hash'>): void {
    if (position > this.#frontier) this.leaves[position - this.#frontier - 1] = hash
  }

  #expiry(session: Session, event: RawEvent): number {
    if (event.kind === KIND.DELETED) return Number.POSITIVE_INFINITY
    const touched = this.#touches.get(session.id)
    if (touched !== undefined && touched.version >= event.version) return touched.expiresAt
    if (event.expiresAt !== undefined) return event.expiresAt
    return session.expiresAt
  }

  #session(id: string): Session {
    return this.sessions.get(id) ?? this.#begin(id)
  }

  #begin(id: string): Session {
    const session = new Session(id)
    const retained = this.#retained.get(id)
    if (retained !== undefined) {
      const { cut, cutHash, held } = retained
      session.retained = { cut, cutHash, held }
      if (cut > 0) session.beginAt(retained)
    }
    this.sessions.set(id, session)
    return session
  }

  #report(): void {
    this.#onProgress?.({ sessions: this.sessions.size, events: this.#events })
  }
}

async function touches(log: LogReads): Promise<Map<string, Expiry>> {
  const touched = new Map<string, Expiry>()
  for await (const page of log.expiries()) for (const each of page) touched.set(each.sessionId, each)
  return touched
}

/** The last commit after the frontier; every commit after it must follow the one before. */
async function lastCommit(
  log: LogReads,
  frontier: Frontier,
): Promise<{ position: number; recordedAt: number; root: string }> {
  let last = { position: 0, recordedAt: 0, root: new MerkleTree().root() }
  for await (const page of log.commits(frontier.position - 1)) {
    for (const commit of page) {
      const follows =
        last.position === 0
          ? commit.firstPosition <= frontier.position + 1
          : commit.firstPosition === last.position + 1
      if (!follows) throw commitMissing(last.position || frontier.position)
      last = { position: commit.lastPosition, recordedAt: commit.recordedAt, root: commit.root }
    }
  }
  if (last.position < frontier.position) throw commitMissing(last.position)
  return last
}

function commitMissing(after: number): SessionlogError {
  return damaged(`The commit after position ${after}`, { position: after + 1 })
}
