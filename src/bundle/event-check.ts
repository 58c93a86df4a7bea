import type { EventFacts, EventPayload } from '../log/codec.ts'
import { decodePayload } from '../log/codec.ts'
import { corrupted, KIND, type RawEvent } from '../log/record.ts'
import { scanCbor } from '../state/cbor-scan.ts'
import type { Change, Changes } from '../state/changes.ts'
import { parsePointer } from '../state/pointer.ts'
import { isArray, isObject } from '../state/values.ts'

/**
 * Refuses an event that no store can have written, whatever its hash: somebody made it, and everything that reads
 * events relies on their form. Whether its changes fit the state before it shows when it is read.
 */
export function checkEvent(event: RawEvent): void {
  const { sessionId, version, recordedAt, position, expiresAt } = event
  scanCbor(event.bytes)
  const payload = decodePayload(event)
  const isWellFormed =
    [recordedAt, position].every(Number.isSafeInteger) &&
    (expiresAt === undefined || expiresAt >= 0) &&
    factsAreWellFormed(payload.facts) &&
    payload.changes.every(isChange) &&
    fitsKind(event, payload)
  if (!isWellFormed) throw corrupted(sessionId, version, 'is not made as events are')
}

function factsAreWellFormed(facts: EventFacts): boolean {
  const { type, actor, reason, eventId, correlationId, causationId, occurredAt, schemaVersion = 0 } = facts
  return (
    [type, reason, eventId, correlationId, causationId].every(isTextIfGiven) &&
    type !== '' &&
    (eventId === undefined || isId(eventId)) &&
    (actor === undefined || isActor(actor)) &&
    (occurredAt === undefined || Number.isFinite(occurredAt)) &&
    Number.isSafeInteger(schemaVersion) &&
    schemaVersion >= 0 &&
    isOrigin(facts.importedFrom)
  )
}

/** An id of a session or an event. */
export function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.isWellFormed() && Buffer.byteLength(id) <= 1024
}

function isActor(actor: unknown): boolean {
  if (typeof actor === 'string') return true
  if (!isObject(actor) || isArray(actor)) return false
  const { id, type, onBehalfOf } = actor as Record<string, unknown>
  return typeof id === 'string' && id !== '' && [type, onBehalfOf].every(isTextIfGiven)
}

function isOrigin(from: unknown): boolean {
  if (from === undefined) return true
  if (!isObject(from)) return false
  const { origin, sessionId, version, hash } = from as Record<string, unknown>
  return [origin, sessionId, hash].every(each => typeof each === 'string') && Number.isSafeInteger(version)
}

function isTextIfGiven(text: unknown): boolean {
  return text === undefined || typeof text === 'string'
}

function isChange(change: Change): boolean {
  if (typeof change.path !== 'string' || parsePointer(change.path) === undefined) return false
  if (change.op === 'add') return isTextIfGiven(change.before)
  if (change.op !== 'splice') return true
  const { index, remove, insert } = change
  return (
    [index, remove].every(each => Number.isSafeInteger(each) && each >= 0) &&
    (typeof insert === 'string' || isArray(insert))
  )
}

function fitsKind({ kind, version }: RawEvent, { changes, state }: EventPayload): boolean {
  if (kind === KIND.CHANGES) return version > 1
  if (kind === KIND.DELETED) return isOfRoot(changes, ['remove'])
  if (state === undefined) return false
  return kind === KIND.KEYFRAME || isOfRoot(changes, ['add', 'replace'])
}

function isOfRoot(changes: Changes, ops: readonly string[]): boolean {
  return changes.length === 1 && changes[0]!.path === '' && ops.includes(changes[0]!.op)
}
