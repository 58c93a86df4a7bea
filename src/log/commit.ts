import type { Changes } from '../state/changes.ts'
import type { MerkleTree } from './chain.ts'
import { sha256 } from './chain.ts'
import { type EventFacts, encodeEvent } from './codec.ts'
import type { LogOperation, Run } from './port.ts'
import { type EventKind, FRAME_BYTES, HASH_BYTES, KIND, writeFrame, writeLastHash } from './record.ts'

/** What the writer keeps of a session between commits. The projection's sessions are such heads. */
export interface LogHead {
  readonly id: string
  /** Hash of the last event. */
  hash: string
  /** Size of the last event that holds the whole state, and of the events after it. */
  wholeBytes: number
  bytesSince: number
  /** The session's part of the commit that is being built. */
  run: Append[] | undefined
}

/** An event on its way into the log. The writer fills in where it landed. */
export class Append {
  readonly head: LogHead
  readonly version: number
  readonly recordedAt: number
  readonly facts: EventFacts
  /** The state after the event; `undefined` for a delete. */
  readonly state: unknown
  changes: Changes
  kind: EventKind
  position = 0
  hash = ''
  previousHash = ''

  constructor(
    head: LogHead,
    version: number,
    recordedAt: number,
    facts: EventFacts,
    state: unknown,
    changes: Changes,
  ) {
    this.head = head
    this.version = version
    this.recordedAt = recordedAt
    this.facts = facts
    this.state = state
    this.changes = changes
    this.kind = state === undefined ? KIND.DELETED : isWhole(changes) ? KIND.WHOLE : KIND.CHANGES
  }

  get sessionId(): string {
    return this.head.id
  }
}

/**
 * Encodes events that commit together: one record a session, and one commit record, whatever their number.
 * Fills in each append's position and hash, and appends the hashes to the tree.
 */
export function buildCommit(appends: readonly Append[], tree: MerkleTree): LogOperation[] {
  const firstPosition = tree.size + 1
  const heads = assignPositions(appends, firstPosition)
  const arena = new Arena(appends.length * 256)
  const operations: LogOperation[] = []
  const runs: Run[] = []
  for (const head of heads) {
    const run = head.run!
    head.run = undefined
    const firstVersion = run[0]!.version
    arena.begin()
    for (const append of run) writeEvent(append, arena)
    runs.push({ sessionId: head.id, firstVersion, count: run.length })
    operations.push({ op: 'record', sessionId: head.id, firstVersion, bytes: arena.end(head.hash) })
  }
  for (const append of appends) {
    tree.append(append.hash)
    const { eventId } = append.facts
    if (eventId !== undefined) {
      operations.push({ op: 'eventId', sessionId: append.sessionId, eventId, version: append.version })
    }
  }
  const { recordedAt } = appends[appends.length - 1]!
  const commit = { firstPosition, lastPosition: tree.size, recordedAt, root: tree.root(), runs }
  operations.push({ op: 'commit', commit })
  return operations
}

function assignPositions(appends: readonly Append[], firstPosition: number): LogHead[] {
  const heads: LogHead[] = []
  let position = firstPosition
  for (const append of appends) {
    append.position = position++
    const { head } = append
    if (head.run === undefined) {
      head.run = [append]
      heads.push(head)
    } else head.run.push(append)
  }
  return heads
}

/** Below this, a session's events are so short that whole states would be most of what is written. */
const WHOLE_EVERY_BYTES_MIN = 512

/** From this many changes on, it is worth asking whether the state is shorter than they are. */
const MANY_CHANGES = 5

function writeEvent(append: Append, arena: Arena): void {
  const { head } = append
  append.previousHash = head.hash
  previous.write(head.hash, 0, 32, 'hex')
  const bytes = encodeShortest(append)
  append.hash = arena.write(bytes)
  head.hash = append.hash
  if (append.kind === KIND.CHANGES) {
    head.bytesSince += bytes.length
  } else {
    head.wholeBytes = bytes.length
    head.bytesSince = 0
  }
}

/**
 * An event is written as changes, unless as many bytes as the last whole state had were written since: then it
 * holds the state too, so that any version can be rebuilt from about twice the bytes of its state. Where the
 * state alone is shorter than the changes, it is all that is written.
 */
function encodeShortest(append: Append): Uint8Array {
  const bytes = encode(append, append.kind)
  if (append.kind !== KIND.CHANGES) return bytes
  const { head, changes, state } = append
  const due = head.bytesSince + bytes.length > Math.max(head.wholeBytes, WHOLE_EVERY_BYTES_MIN)
  const many = changes.length >= MANY_CHANGES && isShort(state, bytes.length)
  if (!due && !many) return bytes

  const beside = encode(append, KIND.CHECKPOINT)
  const stateBytes = beside.length - bytes.length
  if (stateBytes < bytes.length) {
    append.changes = [{ op: 'replace', path: '', value: state }]
    const alone = encode(append, KIND.WHOLE)
    if (alone.length <= bytes.length) {
      append.kind = KIND.WHOLE
      return alone
    }
    append.changes = changes
  }
  if (!due) return bytes
  append.kind = KIND.CHECKPOINT
  return beside
}

/** Whether a state surely takes fewer bytes than that; looks at no more of it than that. */
function isShort(state: unknown, bytes: number): boolean {
  const left = (value: unknown, budget: number): number => {
    if (typeof value === 'string') return budget - value.length
    if (typeof value !== 'object' || value === null) return budget - 1
    if (value instanceof Map || value instanceof Set) return -1
    let rest = budget
    for (const key in value) {
      rest = left((value as Record<string, unknown>)[key], rest - key.length - 1)
      if (rest < 0) break
    }
    return rest
  }
  return left(state, bytes) >= 0
}

/** The previous hash of the event that is being encoded: one buffer, for it is copied at once. */
const previous = Buffer.alloc(32)

function encode(append: Append, kind: EventKind): Uint8Array {
  return encodeEvent({
    kind,
    sessionId: append.head.id,
    version: append.version,
    position: append.position,
    recordedAt: append.recordedAt,
    previousHash: previous,
    facts: append.facts,
    changes: append.changes,
    state: append.state,
  })
}

function isWhole(changes: Changes): boolean {
  return changes.length === 1 && changes[0]!.path === '' && changes[0]!.op !== 'splice'
}

/** One buffer for all records of a commit; each session's lies in one piece. */
class Arena {
  #buffer: Buffer
  #start = 0
  #at = 0

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafe(bytes)
  }

  begin(): void {
    this.#start = this.#at
  }

  /** Writes an event's frame and answers with the event's hash. */
  write(bytes: Uint8Array): string {
    this.#reserve(bytes.length + FRAME_BYTES)
    this.#at = writeFrame(this.#buffer, this.#at, bytes)
    return sha256(this.#buffer.subarray(this.#at - bytes.length - 1, this.#at))
  }

  /** The session's record, closed by the hash of its last event. */
  end(hash: string): Uint8Array {
    this.#reserve(HASH_BYTES)
    this.#at = writeLastHash(this.#buffer, this.#at, hash)
    return this.#buffer.subarray(this.#start, this.#at)
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const begun = this.#at - this.#start
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length, 2 * (begun + bytes)))
    this.#buffer.copy(grown, 0, this.#start, this.#at)
    this.#buffer = grown
    this.#start = 0
    this.#at = begun
  }
}
