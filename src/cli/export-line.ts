import { DELETED, SAVED } from '../event.ts'
import type { RecordedEvent } from '../index.ts'
import { isPlainJson, toTaggedJson } from '../state/tagged-json.ts'
import { isoTime } from './text.ts'

/**
 * An event and the state after it (undefined after a delete) as a line that `import` reads. `version` and `recordedAt`
 * say where it was; an import gives it a place of its own.
 */
export function exportLine(event: RecordedEvent, state: unknown): string {
  const { sessionId, version, recordedAt, occurredAt, expiresAt, actor, reason, data, eventId } = event
  const { correlationId, causationId, schemaVersion } = event
  const type = typeOf(event, state)
  const plain = isPlainOrAbsent(state) && isPlainOrAbsent(data)
  return JSON.stringify({
    session: sessionId,
    version,
    recordedAt: isoTime(recordedAt),
    at: occurredAt === undefined ? undefined : isoTime(occurredAt),
    actor,
    type,
    reason,
    data: plain ? data : tagged(data),
    eventId,
    correlationId,
    causationId,
    expiresAt: expiresAt === undefined ? undefined : expiryTime(expiresAt),
    schemaVersion: schemaVersion || undefined,
    encoding: plain ? undefined : 'tagged',
    deleted: state === undefined ? true : undefined,
    state: plain ? state : tagged(state),
  })
}

/** What import needs no word for is left out; a type of the store's own becomes a plain one. */
function typeOf({ type }: RecordedEvent, state: unknown): string | undefined {
  if (type === (state === undefined ? DELETED : SAVED)) return undefined
  return type.startsWith('$') ? type.slice(1) : type
}

export const NEVER = 'never'

function expiryTime(ms: number): string | number {
  if (ms === Number.POSITIVE_INFINITY) return NEVER
  return isoTime(ms)
}

function isPlainOrAbsent(value: unknown): boolean {
  return value === undefined || isPlainJson(value)
}

function tagged(value: unknown): unknown {
  return value === undefined ? undefined : toTaggedJson(value)
}
