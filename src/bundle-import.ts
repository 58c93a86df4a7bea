import { checkId, checkOptions, checkType, wrong } from './arguments.ts'
import type { Branch } from './branch.ts'
import type { BundledSession, BundleLog } from './bundle/bundle-log.ts'
import type { BundleHeader } from './bundle/header.ts'
import { type OpenBundleOptions, readBundle } from './bundle.ts'
import { hasCode, SessionlogError, VersionConflictError } from './errors.ts'
import { DELETED, IMPORTED, type ImportedFrom, type Receipt, SAVED } from './event.ts'
import { decodePayload } from './log/codec.ts'
import type { ReadableLog } from './log/readable-log.ts'
import type { Session } from './projection/session.ts'
import { type RawStep, readSteps } from './projection/steps.ts'
import { stateAtVersion } from './projection/time-travel.ts'
import type { Upcast } from './projection/upcast.ts'
import type { Recorder, Standing } from './recorder.ts'

/** How to take a bundle in. */
export interface ImportBundleOptions extends Pick<OpenBundleOptions<unknown>, 'key' | 'bytesMax' | 'signal'> {
  /** The id of its one session, or what makes an id of each. Default: as they were. */
  as?: string | ((id: string) => string)
  /** Told now and then how many events have been written. */
  onProgress?: (progress: BundleImport) => void
}

export interface BundleImport {
  readonly sessions: number
  /** New events. */
  readonly events: number
  /** Events that an earlier import of the same sessions had brought. */
  readonly skipped: number
}

export interface ImportParts<State> {
  readonly reader: ReadableLog
  readonly recorder: Recorder<State>
  readonly upcast: Upcast
  /** The session of that id, also one that never was. */
  readonly find: (id: string) => Session
  readonly record: (session: Session, branch: Branch) => Promise<Receipt | undefined>
}

/** Events are waited for after so many of them. */
const UNDER_WAY_MAX = 256

/**
 * Puts the sessions of a bundle into a store, as new events that name those they came from. Everything is checked
 * before anything is written. A session that an import had begun with is gone on with.
 */
export async function importBundle<State>(
  parts: ImportParts<State>,
  path: string,
  options: ImportBundleOptions,
): Promise<BundleImport> {
  const { signal, onProgress } = options
  const { header, log } = await readBundle(path, { ...options })
  const sources = await Promise.all(
    targetsOf(log, options.as).map(async ([session, id]) => sourceOf(parts, { header, log, session, id })),
  )
  for (const source of sources) await check(parts, source, signal)
  const report = { sessions: sources.length, events: 0, skipped: 0 }
  for (const source of sources) {
    report.skipped += source.skipped
    let under: Promise<unknown> = Promise.resolve()
    let expectedVersion = parts.find(source.id).version
    for await (const { intent, options } of branches(parts, source, signal)) {
      under = parts.record(parts.find(source.id), { intent, options: { ...options, expectedVersion } })
      expectedVersion++
      if (++report.events % UNDER_WAY_MAX !== 0) continue
      await under
      onProgress?.({ ...report })
    }
    await under
  }
  return report
}

/** A session of a bundle, and where it goes. */
interface Source {
  readonly header: BundleHeader
  readonly log: BundleLog
  readonly session: BundledSession
  readonly id: string
  /** The first version that is not there yet. */
  readonly next: number
  readonly skipped: number
}

function targetsOf({ sessions }: BundleLog, as: ImportBundleOptions['as']): [BundledSession, string][] {
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
async function sourceOf<State>(
  { find, reader, upcast }: ImportParts<State>,
  at: Pick<Source, 'header' | 'log' | 'session' | 'id'>,
): Promise<Source> {
  const { header, session, id } = at
  if (header.schemaVersion > upcast.schemaVersion)
    throw wrong(`The bundle has schema ${header.schemaVersion}, this store ${upcast.schemaVersion}`, 'path')
  const { version } = find(id).acknowledged
  if (version === 0) return { ...at, next: session.first, skipped: 0 }
  const event = (await reader.record(id, version)).find(each => each.version === version)!
  const from = decodePayload(event).facts.importedFrom
  const next = (from?.version ?? 0) + 1
  const isOurs = from?.origin === header.origin && from.sessionId === session.id && next >= session.first
  if (!isOurs) throw new VersionConflictError(id, 0, version)
  return { ...at, next, skipped: Math.min(next, session.last + 1) - session.first }
}

/** Prepares every event on what those before would make of the session. Changes nothing. */
async function check<State>(
  parts: ImportParts<State>,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<void> {
  const session = parts.find(source.id)
  let standing: Standing = session
  for await (const { intent, options, version } of branches(parts, source, signal)) {
    try {
      const prepared = parts.recorder.prepare(session, intent, options, standing)
      if (prepared === undefined || !('append' in prepared)) continue
      const { append } = prepared
      const { state, facts } = append
      standing = {
        version: append.version,
        exists: state !== undefined,
        state,
        schemaVersion: facts.schemaVersion ?? 0,
      }
    } catch (cause) {
      throw refused(source.session.id, version, cause)
    }
  }
}

/** What the bundle's events are to become, and the version of each there. */
async function* branches<State>(
  { upcast, recorder }: ImportParts<State>,
  { header, log, session, next }: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<Branch & { readonly version: number }, void, undefined> {
  const { id, first, last } = session
  const { origin } = header
  if (next === first && first > 1) {
    const version = first - 1
    const before = await stateAtVersion(log, id, version, signal)
    const [event] = (await log.record(id, version)).filter(each => each.version === version)
    const importedFrom = { origin, sessionId: id, version, hash: event!.hash }
    const options = { type: IMPORTED, occurredAt: event!.recordedAt, importedFrom }
    const state = upcast.make(before)
    if (state !== undefined) yield { intent: { kind: 'save', state, asRecorded: true }, options, version }
  }
  for await (const step of readSteps(log, id, { from: next, to: last, signal })) {
    const { version, hash, redacted } = step.event
    const importedFrom = { origin, sessionId: id, version, hash, ...(redacted && { redacted }) }
    const state = upcast.make(step.after)
    yield {
      intent: state === undefined ? { kind: 'delete' } : { kind: 'save', state, asRecorded: true },
      options: optionsOf(step, importedFrom, recorder.now()),
      version,
    }
  }
}

/** What the event said, but for an expiry that is over: nobody could look at the session. */
function optionsOf({ event }: RawStep, importedFrom: ImportedFrom, now: number): Branch['options'] {
  const { actor, reason, data, eventId, correlationId, causationId, type } = event
  const { occurredAt = event.recordedAt, expiresAt = 0 } = event
  const said = { actor, reason, data, eventId, correlationId, causationId }
  return {
    ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
    ...(type !== SAVED && type !== DELETED && { type }),
    ...(expiresAt > now && { expiresAt }),
    occurredAt,
    importedFrom,
  }
}

function refused(sessionId: string, version: number, cause: unknown): unknown {
  if (!hasCode(cause)) return cause
  const { code, message, path } = cause as SessionlogError
  const details = { cause, sessionId, version, ...(path !== undefined && { path }) }
  return new SessionlogError(
    code,
    `Version ${version} of session '${sessionId}' can't be imported: ${message}`,
    details,
  )
}

export function checkImport(options: ImportBundleOptions): void {
  checkOptions(options, ['as', 'key', 'bytesMax', 'signal', 'onProgress'])
  checkType(options, 'onProgress', 'function')
  const { as } = options
  if (as !== undefined && typeof as !== 'string' && typeof as !== 'function')
    throw wrong('as must be an id, or a function that makes one', 'as')
}
