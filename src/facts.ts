import { isolateActor } from './arguments.ts'
import { VersionConflictError } from './errors.ts'
import type { ExpectedVersion, WriteOptions } from './event.ts'
import type { RecordOptions } from './intent.ts'
import { type EventFacts, NO_FACTS } from './log/codec.ts'

export const NO_OPTIONS: WriteOptions = Object.freeze({})

/** What an event says beside its changes, from what its caller said; `data` is isolated already. */
export function factsOf(options: RecordOptions, data: unknown, schemaVersion: number): EventFacts {
  if (options === NO_OPTIONS && schemaVersion === 0) return NO_FACTS
  const { actor, reason, type, eventId, correlationId, causationId, occurredAt, expiresAt } = options
  const { importedFrom } = options
  return {
    type,
    actor: actor === undefined ? undefined : isolateActor(actor),
    reason,
    data,
    eventId,
    correlationId,
    causationId,
    occurredAt,
    expiresAt: expiresAt === undefined ? undefined : Math.max(0, expiresAt),
    schemaVersion: schemaVersion || undefined,
    importedFrom,
  }
}

/** Compares a session with what a caller expects of it. */
export function checkExpected(
  sessionId: string,
  expected: ExpectedVersion = 'any',
  version: number,
  exists: boolean,
): void {
  const met =
    expected === 'any' ||
    (expected === 'no_session' ? !exists : expected === 'session_exists' ? exists : expected === version)
  if (!met) throw new VersionConflictError(sessionId, expected, version)
}
