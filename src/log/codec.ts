import { DELETED, type RecordedEvent, SAVED } from '../event.ts'
import { decodeCbor, encodeCbor, fromCbor, toCbor } from '../state/cbor-values.ts'
import type { Change, Changes } from '../state/changes.ts'
import { type EventKind, KIND, type RawEvent } from './record.ts'

/** What an event says beside its changes. */
export interface EventFacts {
  readonly type?: string | undefined
  readonly actor?: string | undefined
  readonly reason?: string | undefined
  readonly data?: unknown
  readonly eventId?: string | undefined
  readonly correlationId?: string | undefined
  readonly causationId?: string | undefined
  readonly occurredAt?: number | undefined
  readonly expiresAt?: number | undefined
  readonly schemaVersion?: number | undefined
}

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
] as const satisfies readonly (keyof EventFacts)[]

const OPS = ['add', 'replace', 'remove', 'splice'] as const

export interface EventContent {
  readonly kind: EventKind
  readonly sessionId: string
  readonly version: number
  readonly position: number
  readonly recordedAt: number
  /** 32 bytes. */
  readonly previousHash: Uint8Array
  readonly facts: EventFacts
  readonly changes: Changes
  /** For a checkpoint: the state after the changes. */
  readonly state?: unknown
}

/**
 * An event's bytes: a positional CBOR array
 * `[kind, sessionId, version, position, recordedAt, previousHash, expiresAt, facts, changes,
 * state?]`.
 */
export function encodeEvent(content: EventContent): Uint8Array {
  const fields: unknown[] = [
    content.kind,
    content.sessionId,
    content.version,
    content.position,
    content.recordedAt,
    content.previousHash,
    content.facts.expiresAt,
    packFacts(content.facts),
    content.changes.map(packChange),
  ]
  if (content.kind === KIND.CHECKPOINT) fields.push(toCbor(content.state))
  return encodeCbor(fields)
}

/** The payload of an event whose hash has been checked. */
export interface EventPayload {
  readonly facts: EventFacts
  readonly changes: Changes
  /** The whole state after the event, where it holds one; `undefined` after a delete. */
  readonly state: unknown
}

export function decodePayload(raw: RawEvent): EventPayload {
  const fields = decodeCbor(raw.bytes) as unknown[]
  const changes = (fields[8] as unknown[][]).map(unpackChange)
  return {
    facts: unpackFacts(fields[7] as unknown[]),
    changes,
    state: wholeState(raw.kind, changes, fields[9]),
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
  if (kind === KIND.CHECKPOINT) return fromCbor(state)
  return kind === KIND.WHOLE ? (changes[0] as { value: unknown }).value : undefined
}

/** A list as long as its last fact; those left out before it are undefined. */
function packFacts(facts: EventFacts): unknown[] {
  const packed: unknown[] = []
  for (let i = 0; i < FACTS.length; i++) {
    const value = facts[FACTS[i]!]
    if (value === undefined) continue
    while (packed.length < i) packed.push(undefined)
    packed.push(toCbor(value))
  }
  return packed
}

function unpackFacts(packed: unknown[]): EventFacts {
  const facts: Record<string, unknown> = {}
  for (let i = 0; i < packed.length; i++) {
    if (packed[i] !== undefined && FACTS[i] !== undefined) facts[FACTS[i]!] = fromCbor(packed[i])
  }
  return facts
}

function packChange(change: Change): unknown[] {
  const path = toCbor(change.path)
  switch (change.op) {
    case 'add':
      return change.before === undefined
        ? [0, path, toCbor(change.value)]
        : [0, path, toCbor(change.value), toCbor(change.before)]
    case 'replace':
      return [1, path, toCbor(change.value)]
    case 'remove':
      return [2, path]
    case 'splice':
      return [3, path, change.index, change.remove, toCbor(change.insert)]
  }
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
