import { checkOptions, checkType, checkWriteOptions, wrong } from './arguments.ts'
import type { Branch } from './branch.ts'
import { type OpenBundleOptions, readBundle } from './bundle.ts'
import { branches, type NewId, type Source, type SourceParts, sourceOf, targetsOf } from './bundle-source.ts'
import { hasCode, SessionlogError, VersionConflictError } from './errors.ts'
import { isOwnType, type Receipt } from './event.ts'
import type { Standing } from './intent.ts'
import type { Append } from './log/commit.ts'
import { corrupted } from './log/record.ts'
import type { Session } from './projection/session.ts'
import type { Recorder } from './recorder.ts'

/** How to take a bundle in. */
export interface ImportBundleOptions extends Pick<OpenBundleOptions<unknown>, 'key' | 'bytesMax' | 'signal'> {
  /** The id of its one session, or what makes an id of each. Default: as they were. */
  as?: NewId
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

export interface ImportParts<State> extends SourceParts {
  readonly recorder: Recorder<State>
  readonly writer: { readonly pendingBytes: number; settled(): Promise<void> }
  readonly record: (session: Session, branch: Branch) => Promise<Receipt | undefined>
}

/** Events are waited for after so many of them, or so many bytes. */
const UNDER_WAY_MAX = 256
const UNDER_WAY_BYTES_MAX = 4 * 1024 * 1024

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
  const { header, log } = await readBundle(path, options)
  await parts.writer.settled()
  const sources = await Promise.all(
    targetsOf(log, options.as).map(([session, id]) => sourceOf(parts, { header, log, session, id })),
  )
  for (const source of sources) await check(parts, source, signal)
  const report = { sessions: sources.length, events: 0, skipped: 0 }
  for (const source of sources) {
    report.skipped += source.skipped
    await write(parts, source, signal, () => {
      if (++report.events % UNDER_WAY_MAX === 0) onProgress?.({ ...report })
    })
  }
  return report
}

/** Writes what is not there yet, one event after another, and no more at once than may wait for the disk. */
async function write<State>(
  { find, record, writer }: ImportParts<State>,
  source: Source,
  signal: AbortSignal | undefined,
  onEvent: () => void,
): Promise<void> {
  let under: Promise<unknown> = Promise.resolve()
  let expectedVersion = source.version
  for await (const { intent, options } of branches(source, signal)) {
    for (;;) {
      const session = find(source.id)
      // An event id that somebody else brought meanwhile would be an answer, and no conflict.
      if (session.version !== expectedVersion)
        throw new VersionConflictError(source.id, expectedVersion, session.version)
      try {
        under = record(session, { intent, options })
        break
      } catch (error) {
        if (!hasCode(error, 'SESSIONLOG_OVERLOADED')) throw error
        await writer.settled()
      }
    }
    expectedVersion++
    if (expectedVersion % UNDER_WAY_MAX === 0 || writer.pendingBytes > UNDER_WAY_BYTES_MAX) await under
    onEvent()
  }
  await under
}

/** Prepares every event on what those before would make of the session. Changes nothing. */
async function check<State>(
  { find, recorder }: ImportParts<State>,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<void> {
  const session = find(source.id)
  const eventIds = new Set<string>()
  let standing: Standing = session
  for await (const { intent, options, version } of branches(source, signal)) {
    const { importedFrom: _, type, eventId, ...said } = options
    try {
      if (eventId !== undefined && eventIds.has(eventId))
        throw corrupted(source.session.id, version, `has an event id that another one has, '${eventId}'`)
      if (eventId !== undefined) eventIds.add(eventId)
      // A type of the store's own is none that a caller may give, and anything else it does not know.
      checkWriteOptions({ ...said, ...(type !== undefined && !isOwnType(type) && { type }) })
      const prepared = recorder.prepare(session, intent, options, standing)
      if (prepared === undefined || !('append' in prepared))
        throw corrupted(source.session.id, version, 'is no event after those before it')
      standing = standingAfter(prepared.append)
    } catch (cause) {
      throw refused(source.session.id, version, cause)
    }
  }
}

function standingAfter({ version, state, facts }: Append): Standing {
  return { version, exists: state !== undefined, state, schemaVersion: facts.schemaVersion ?? 0 }
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
