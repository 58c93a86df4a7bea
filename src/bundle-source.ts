import { checkId, wrong } from './arguments.ts'
import type { Branch } from './branch.ts'
import type { BundledSession, BundleLog } from './bundle/bundle-log.ts'
import type { BundleHeader } from './bundle/header.ts'
import { VersionConflictError } from './errors.ts'
import { DELETED, IMPORTED, type RecordedEvent, SAVED } from './event.ts'
import type { RecordOptions } from './intent.ts'
import { decodePayload, type EventFacts } from './log/codec.ts'
import type { ReadableLog } from './log/readable-log.ts'
import type { RawEvent } from './log/record.ts'
import type { Versioned } from './projection/fold.ts'
import type { Session } from './projection/session.ts'
import { readSteps } from './projection/steps.ts'
import { stateAtVersion } from './projection/time-travel.ts'
import type { Upcast } from './projection/upcast.ts'

/** The id of a bundle's one session in the store, or what makes an id of each. */
export type NewId = string | ((id: string) => string)

export interface SourceParts {
  readonly reader: ReadableLog
  readonly recorder: { now(): number }
  readonly upcast: Upcast
  /** The session of that id, also one that never was. */
  readonly find: (id: string) => Session
}

/** A session of a bundle, and where it goes. */
export interface Source {
  readonly header: BundleHeader
  readonly log: BundleLog
  readonly session: BundledSession
  readonly id: string
  /** The version that the session has in the store: nobody else may have written to it meanwhile. */
  readonly version: number
  /** The first version of the bundle that is not there yet. */
  readonly next: number
  readonly skipped: number
  readonly upcast: Upcast
  readonly now: () => number
}

export function targetsOf({ sessions }: BundleLog, as: NewId | undefined): [BundledSession, string][] {
  if (typeof as === 'string' && sessions.size !== 1)
    throw wrong(`as names one session, and the bundle has ${sessions.size}: give a function`, 'as')
  const targets = [...sessions.values()].map((session): [BundledSession, string] => [
    session,
    typeof as === 'function' ? as(session.id) : (as ?? session.id),
  ])
  for (const [, id] of targets) checkId(id, 'as')
  if (new Set(targets.map(([, id]) => id)).size < targets.length)
    throw wrong('as must not make the same id of two sessions', 'as')
  return targets
}

/** Finds out how much of the session is there already. One with other events in it is `SESSIONLOG_VERSION_CONFLICT`. */
export async function sourceOf(
  parts: SourceParts,
  given: Pick<Source, 'header' | 'log' | 'session' | 'id'>,
): Promise<Source> {
  const { header, log, session, id } = given
  const at = { ...given, upcast: parts.upcast, now: () => parts.recorder.now() }
  const { schemaVersion } = parts.upcast
  if (header.schemaVersion > schemaVersion)
    throw wrong(`The bundle has schema ${header.schemaVersion}, this store ${schemaVersion}`, 'path')
  const { version } = parts.find(id).acknowledged
  if (version === 0) return { ...at, version, next: session.first, skipped: 0 }
  const { first, last } = session
  const begun = await factsAt(parts.reader, id, 1)
  const ended = await factsAt(parts.reader, id, version)
  const [from, to] = [begun.importedFrom?.version ?? 0, ended.importedFrom?.version ?? 0]
  // The last event that both have must be the same one: two copies of a store may have gone different ways.
  const common = Math.min(to, last)
  const isThere = common >= Math.max(first - 1, 1)
  const known = isThere ? (await factsAt(parts.reader, id, version - (to - common))).importedFrom : undefined
  const isOurs =
    from > 0 &&
    from + (begun.type === IMPORTED ? 1 : 0) <= first &&
    known?.origin === header.origin &&
    known.sessionId === session.id &&
    known.version === common &&
    known.hash === (await eventAt(log, session.id, common)).hash
  if (!isOurs) throw new VersionConflictError(id, 0, version)
  return { ...at, version, next: to + 1, skipped: common - first + 1 }
}

async function factsAt(log: ReadableLog, id: string, version: number): Promise<EventFacts> {
  return decodePayload(await eventAt(log, id, version)).facts
}

async function eventAt(log: ReadableLog, id: string, version: number): Promise<RawEvent> {
  const events = await log.record(id, version)
  return events.find(each => each.version === version)!
}

/** What the bundle's events are to become, and the version of each there. */
export async function* branches(
  { header, log, session, version: known, next, upcast, now }: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<Branch & { readonly version: number }, void, undefined> {
  const { id, first, last } = session
  const { origin } = header
  const branch = (version: number, { state: recorded, schemaVersion }: Versioned, options: RecordOptions) => {
    const state = upcast.make({ state: recorded, schemaVersion })
    const intent: Branch['intent'] =
      state === undefined ? { kind: 'delete' } : { kind: 'save', state, asRecorded: true }
    return { intent, options, version }
  }
  if (known === 0 && first > 1) {
    const version = first - 1
    const { hash, recordedAt } = await eventAt(log, id, version)
    const before = await stateAtVersion(log, id, version, signal)
    const importedFrom = { origin, sessionId: id, version, hash }
    if (before.state !== undefined)
      yield branch(version, before, { type: IMPORTED, occurredAt: recordedAt, importedFrom })
  }
  let expiresAt = Number.POSITIVE_INFINITY
  for await (const { event, after } of readSteps(log, id, { from: first, to: last, signal })) {
    const { version, hash, redacted } = event
    expiresAt = after.state === undefined ? Number.POSITIVE_INFINITY : (event.expiresAt ?? expiresAt)
    if (version < next) continue
    const importedFrom = { origin, sessionId: id, version, hash, ...(redacted && { redacted }) }
    const options: RecordOptions = { ...saidBy(event), importedFrom }
    // Not before the last event: else the session might end in the middle of it. One that is over is left out, because
    // nobody could look at the session.
    const due = expiresAt > now() ? expiresAt : Number.POSITIVE_INFINITY
    const isMoved = due < Number.POSITIVE_INFINITY || known > 0
    if (version === last && after.state !== undefined && isMoved) options.expiresAt = due
    yield branch(version, after, options)
  }
}

function saidBy({ type, occurredAt, recordedAt, ...event }: RecordedEvent): RecordOptions {
  const { actor, reason, data, eventId, correlationId, causationId } = event
  const said = { actor, reason, data, eventId, correlationId, causationId }
  return {
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
    ...(type !== SAVED && type !== DELETED && { type }),
    occurredAt: occurredAt ?? recordedAt,
  }
}
