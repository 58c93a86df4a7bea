import type { Changes } from '../state/changes.ts'
import type { MerkleTree } from './chain.ts'
import { type EventFacts, KEYFRAME_FIELDS, writeEvent } from './codec.ts'
import type { Forwarded, LogOperation, Run } from './port.ts'
import { type EventKind, KIND } from './record.ts'
import type { RecordWriter } from './record-writer.ts'
import { type Retained, retentionAfter } from './retention.ts'

/** What the writer keeps of a session between commits. The projection's sessions are such heads. */
export interface LogHead {
  readonly id: string
  /** Hash of the last event. */
  hash: string
  /** Size of the last event that holds the whole state, and of the events after it. */
  wholeBytes: number
  bytesSince: number
  /** How much of it there is. */
  retained: Retained
  /** The session's part of the commit that is being built. */
  run: Append[] | undefined
}

/** By which process an event was sent, and the how-manieth of all that it sends. */
export interface Sent {
  readonly producer: string
  readonly sequence: number
}

/** An event on its way into the log. The writer fills in where it landed. */
export class Append {
  readonly head: LogHead
  version: number
  readonly facts: EventFacts
  /** The state after the event; `undefined` for a delete. */
  state: unknown
  changes: Changes
  kind: EventKind
  /** When the session ends by itself after this event. */
  expiresAt = Number.POSITIVE_INFINITY
  recordedAt = 0
  position = 0
  hash = ''
  /** Whether a later event of the session is in the same commit. */
  superseded = false
  previousHash = ''
  /** Of an event that another process sent, or that this one sends. */
  sent: Sent | undefined
  /** What it was made from, where it may have to be made again. */
  wish: unknown

  constructor(head: LogHead, version: number, facts: EventFacts, state: unknown, changes: Changes) {
    this.head = head
    this.version = version
    this.facts = facts
    this.state = state
    this.changes = changes
    this.kind = state === undefined ? KIND.DELETED : isWhole(changes) ? KIND.WHOLE : KIND.CHANGES
  }

  get sessionId(): string {
    return this.head.id
  }

  /** Whether it is the whole state, and so can stand on any version. */
  get isWhole(): boolean {
    return this.kind === KIND.WHOLE
  }

  /** Makes it the whole state, whatever was there before. */
  makeWhole(): void {
    this.changes = [{ op: 'replace', path: '', value: this.state }]
    this.kind = KIND.WHOLE
  }

  /** Takes its place on another version than the one that it was made on. */
  remake(version: number, state: unknown, changes: Changes): void {
    this.version = version
    this.state = state
    this.changes = changes
    this.kind = state === undefined ? KIND.DELETED : isWhole(changes) ? KIND.WHOLE : KIND.CHANGES
  }
}

/**
 * Encodes events that commit together: one record a session, and one commit record, whatever their number.
 * Adds what is to be written, fills in each append's position and hash, and appends the hashes to the tree.
 * The records' bytes are the writer's, until it is used for the next commit.
 */
export function buildCommit(
  appends: readonly Append[],
  tree: MerkleTree,
  writer: RecordWriter,
  operations: LogOperation[],
): void {
  const firstPosition = tree.size + 1
  const heads = assignPositions(appends, firstPosition)
  writer.reset()
  const runs: Run[] = []
  for (const head of heads) {
    const run = head.run!
    head.run = undefined
    const { version: firstVersion, position: firstPosition } = run[0]!
    writer.beginRecord()
    for (const append of run) writeAppend(append, writer)
    runs.push({ sessionId: head.id, firstVersion, count: run.length })
    const bytes = writer.endRecord(head.hash)
    operations.push({ op: 'record', sessionId: head.id, firstVersion, firstPosition, bytes })
  }
  for (const append of appends) {
    tree.append(append.hash)
    const { eventId } = append.facts
    if (eventId !== undefined) {
      operations.push({ op: 'eventId', sessionId: append.sessionId, eventId, version: append.version })
    }
    const retained = retentionAfter(append.head.retained, append.facts)
    if (retained === undefined) continue
    append.head.retained = retained
    operations.push({ op: 'retention', sessionId: append.sessionId, ...retained })
  }
  const { recordedAt } = appends[appends.length - 1]!
  const forwarded = forwardedOf(appends)
  const commit = { firstPosition, lastPosition: tree.size, recordedAt, root: tree.root(), runs, forwarded }
  operations.push({ op: 'commit', commit })
}

const NONE: readonly Forwarded[] = []

/** One entry for events that a follower sent one after the other and that landed so. */
function forwardedOf(appends: readonly Append[]): readonly Forwarded[] {
  let forwarded: { producer: string; sequence: number; position: number; count: number }[] | undefined
  for (const { sent, position } of appends) {
    if (sent === undefined) continue
    const { producer, sequence } = sent
    forwarded ??= []
    const last = forwarded[forwarded.length - 1]
    const follows =
      last?.producer === producer &&
      sequence === last.sequence + last.count &&
      position === last.position + last.count
    if (follows) last.count++
    else forwarded.push({ producer, sequence, position, count: 1 })
  }
  return forwarded ?? NONE
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
    } else {
      head.run[head.run.length - 1]!.superseded = true
      head.run.push(append)
    }
  }
  return heads
}

/** Below this, a session's events are so short that whole states would be most of what is written. */
const WHOLE_EVERY_BYTES_MIN = 512

/** From this many changes on, it is worth asking whether the state is shorter than they are. */
const MANY_CHANGES = 5

function writeAppend(append: Append, writer: RecordWriter): void {
  const { head } = append
  append.previousHash = head.hash
  writeEvent(writer, append.kind, append, append.changes)
  if (append.kind === KIND.CHANGES) addState(append, writer)
  const bytes = writer.eventBytes
  head.hash = writer.endEvent()
  append.hash = head.hash
  if (append.kind === KIND.CHANGES) {
    head.bytesSince += bytes
  } else {
    head.wholeBytes = bytes
    head.bytesSince = 0
  }
}

/**
 * An event is written as changes, unless as many bytes as the last whole state had were written since: then it
 * holds the state too, so that any version can be rebuilt from about twice the bytes of its state. Where the
 * state alone is shorter than the changes, it is all that is written.
 */
function addState(append: Append, writer: RecordWriter): void {
  const { head, changes, state } = append
  const bytes = writer.eventBytes
  const due = head.bytesSince + bytes > Math.max(head.wholeBytes, WHOLE_EVERY_BYTES_MIN)
  if (!due && !(changes.length >= MANY_CHANGES && isShort(state, bytes))) return

  writer.value(state)
  const stateBytes = writer.eventBytes - bytes
  if (stateBytes < bytes) {
    const whole: Changes = [{ op: 'replace', path: '', value: state }]
    writer.dropEvent()
    writeEvent(writer, KIND.WHOLE, append, whole)
    if (writer.eventBytes <= bytes) {
      append.kind = KIND.WHOLE
      append.changes = whole
      return
    }
    writer.dropEvent()
    writeEvent(writer, KIND.CHANGES, append, changes)
    if (due) writer.value(state)
  } else if (!due) writer.cutEvent(bytes)
  if (!due) return
  append.kind = KIND.KEYFRAME
  writer.changeEvent(KEYFRAME_FIELDS, KIND.KEYFRAME)
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

function isWhole(changes: Changes): boolean {
  return changes.length === 1 && changes[0]!.path === '' && changes[0]!.op !== 'splice'
}
