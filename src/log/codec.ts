import { SessionlogError } from '../errors.ts'
import { type Actor, DELETED, type ImportedFrom, type RecordedEvent, SAVED } from '../event.ts'
import { decodeCbor, fromCbor } from '../state/cbor-values.ts'
import type { Change, Changes } from '../state/changes.ts'
import { type EncodedEvent, type EventHeader, type EventKind, KIND, type RawEvent } from './record.ts'
import { ARRAY, type RecordWriter } from './record-writer.ts'

/** What an event says beside its changes. */
export interface EventFacts {
  readonly type?: string | undefined
  readonly actor?: Actor | undefined
  readonly reason?: string | undefined
  readonly data?: unknown
  readonly eventId?: string | undefined
  readonly correlationId?: string | undefined
  readonly causationId?: string | undefined
  readonly occurredAt?: number | undefined
  readonly expiresAt?: number | undefined
  readonly schemaVersion?: number | undefined
  readonly importedFrom?: ImportedFrom | undefined
}

/** Of an event that says nothing beside its changes. */
export const NO_FACTS: EventFacts = Object.freeze({})

/** The order in which facts stand in an event's list of them; new ones are added at the end. */
const FACTS = [
  'type',
  'actor',
  'reason',
  'data',
  'eventId',
  'correlationId',
  'causationId',
  'occurredAt',
  'schemaVersion',
  'importedFrom',
] as const satisfies readonly (keyof EventFacts)[]

const OPS = ['add', 'replace', 'remove', 'splice'] as const

/** How many members an event has, and with the state of a keyframe behind them. */
export const EVENT_FIELDS = 9
export const KEYFRAME_FIELDS = 10

/** What an event consists of, as the writer has it. */
export interface EventContent {
  readonly sessionId: string
  readonly version: number
  readonly position: number
  readonly recordedAt: number
  readonly previousHash: string
  readonly facts: EventFacts
}

/**
 * Writes an event: a positional CBOR array
 * `[kind, sessionId, version, position, recordedAt, previousHash, expiresAt, facts, changes, state?]`,
 * where only a keyframe has the state.
 */
export function writeEvent(
  writer: RecordWriter,
  kind: EventKind,
  content: EventContent,
  changes: Changes,
): void {
  writer.beginEvent(EVENT_FIELDS)
  writer.number(kind)
  writer.text(content.sessionId)
  writer.number(content.version)
  writer.number(content.position)
  writer.number(content.recordedAt)
  writer.hash(content.previousHash)
  writer.value(content.facts.expiresAt)
  writeFacts(writer, content.facts)
  writer.head(ARRAY, changes.length)
  for (const change of changes) writeChange(writer, change)
}

/** Writes an event that is there already, with another payload in the place of its own. */
export function rewriteEvent(writer: RecordWriter, event: EventHeader, payload: EventPayload): void {
  const facts = { ...payload.facts, expiresAt: event.expiresAt }
  writeEvent(writer, event.kind, { ...event, facts }, payload.changes)
  if (event.kind !== KIND.KEYFRAME) return
  writer.value(payload.state)
  writer.changeEvent(KEYFRAME_FIELDS, KIND.KEYFRAME)
}

/** The payload of an event whose hash has been checked. */
export interface EventPayload {
  readonly facts: EventFacts
  readonly changes: Changes
  /** The whole state after the event, where it holds one; `undefined` after a delete. */
  readonly state: unknown
}

export function decodePayload(raw: EncodedEvent): EventPayload {
  try {
    const fields = decodeCbor(raw.bytes) as unknown[]
    const changes = (fields[8] as unknown[][]).map(unpackChange)
    return {
      facts: unpackFacts(fields[7] as unknown[]),
      changes,
      state: wholeState(raw.kind, changes, fields[9]),
    }
  } catch (cause) {
    // What its hash vouches for was never written by a store: somebody else made both.
    throw new SessionlogError('SESSIONLOG_CORRUPTION', 'An event is not made as events are', { cause })
  }
}

export function decodeEvent(raw: RawEvent): RecordedEvent {
  const { facts, changes } = decodePayload(raw)
  return recordedEvent(raw, { ...facts, expiresAt: raw.expiresAt }, changes)
}

interface Recorded {
  readonly kind: EventKind
  readonly sessionId: string
  readonly version: number
  readonly position: number
  readonly recordedAt: number
  readonly hash: string
  readonly previousHash: string
  readonly redacted?: true
}

/** The public form of an event, from its parts. Facts that were not given are left out. */
export function recordedEvent(at: Recorded, facts: EventFacts, changes: Changes): RecordedEvent {
  const event: Record<string, unknown> = {
    sessionId: at.sessionId,
    version: at.version,
    position: at.position,
    type: facts.type ?? (at.kind === KIND.DELETED ? DELETED : SAVED),
  }
  for (const fact of OPTIONAL_FACTS) if (facts[fact] !== undefined) event[fact] = facts[fact]
  event.recordedAt = at.recordedAt
  event.schemaVersion = facts.schemaVersion ?? 0
  if (facts.importedFrom !== undefined) event.importedFrom = facts.importedFrom
  if (at.redacted) event.redacted = true
  event.changes = changes
  event.hash = at.hash
  event.previousHash = at.previousHash
  return Object.freeze(event) as unknown as RecordedEvent
}

const OPTIONAL_FACTS = [
  'actor',
  'reason',
  'data',
  'eventId',
  'correlationId',
  'causationId',
  'occurredAt',
  'expiresAt',
] as const satisfies readonly (keyof EventFacts)[]

function wholeState(kind: EventKind, changes: Changes, state: unknown): unknown {
  if (kind === KIND.KEYFRAME) return fromCbor(state)
  return kind === KIND.WHOLE ? (changes[0] as { value: unknown }).value : undefined
}

/** A list as long as its last fact; those left out before it are undefined. */
function writeFacts(writer: RecordWriter, facts: EventFacts): void {
  let length = facts === NO_FACTS ? 0 : FACTS.length
  while (length > 0 && facts[FACTS[length - 1]!] === undefined) length--
  writer.head(ARRAY, length)
  for (let i = 0; i < length; i++) writer.value(facts[FACTS[i]!])
}

function unpackFacts(packed: unknown[]): EventFacts {
  const facts: Record<string, unknown> = {}
  for (let i = 0; i < packed.length; i++) {
    if (packed[i] !== undefined && FACTS[i] !== undefined) facts[FACTS[i]!] = fromCbor(packed[i])
  }
  return facts
}

/** A change is an array of its operation's number, its path, and the rest in the order of its type. */
function writeChange(writer: RecordWriter, change: Change): void {
  const { op } = change
  const before = op === 'add' ? change.before : undefined
  writer.head(ARRAY, op === 'splice' ? 5 : op === 'remove' ? 2 : before === undefined ? 3 : 4)
  writer.number(OPS.indexOf(op))
  writer.value(change.path)
  if (op === 'splice') {
    writer.number(change.index)
    writer.number(change.remove)
    writer.value(change.insert)
  } else if (op !== 'remove') writer.value(change.value)
  if (before !== undefined) writer.value(before)
}

function unpackChange(packed: unknown[]): Change {
  const op = OPS[packed[0] as number]
  const path = fromCbor(packed[1]) as string
  switch (op) {
    case 'add':
      return packed.length > 3
        ? { op, path, value: fromCbor(packed[2]), before: fromCbor(packed[3]) as string }
        : { op, path, value: fromCbor(packed[2]) }
    case 'replace':
      return { op, path, value: fromCbor(packed[2]) }
    case 'remove':
      return { op, path }
    case 'splice':
      return {
        op,
        path,
        index: packed[2] as number,
        remove: packed[3] as number,
        insert: fromCbor(packed[4]) as string,
      }
    default:
      throw new RangeError(`Unknown operation ${packed[0]}`)
  }
}
