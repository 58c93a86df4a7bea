import { wrong } from './arguments.ts'
import { hasCode, SessionlogError, type SessionlogErrorCode } from './errors.ts'
import { type Directory, findMissingEvents } from './identity.ts'
import type { EventLog } from './log/port.ts'
import type { LogReader } from './log/reader.ts'
import { corrupted } from './log/record.ts'
import type { Writer } from './log/writer.ts'
import type { Cache } from './projection/cache.ts'
import { EventAudit } from './projection/event-audit.ts'
import { stateAtVersion } from './projection/time-travel.ts'
import { type Checkpoint, originLine, verifyCheckpoint } from './proof/checkpoint.ts'
import { treeRoot } from './proof/tree.ts'
import { readState, type StoredSnapshot } from './snapshot/snapshot.ts'
import type { SnapshotFolder } from './snapshot/snapshot-folder.ts'
import { readWitness } from './snapshot/witness.ts'
import { equal } from './state/values.ts'

export interface VerifyOptions {
  /** A checkpoint that was given out: the log must still have its events, and no others in their place. */
  checkpoint?: string
  /** The verifier's key, or several: a checkpoint that none of them signed is refused. */
  key?: string | readonly string[]
  /** Ends the reading with its reason. */
  signal?: AbortSignal
  /** Told now and then how many events have been read, of how many. */
  onProgress?: (progress: { readonly events: number; readonly of: number }) => void
}

/** Something that is not as it was written. */
export interface VerifyProblem {
  /** `SESSIONLOG_CORRUPTION` or `SESSIONLOG_EVENTS_MISSING`; an I/O error where a file cannot be read. */
  readonly code: SessionlogErrorCode
  readonly message: string
  /** The session concerned, where one is. */
  readonly sessionId?: string
  /** The version concerned, where one is known. */
  readonly version?: number
  /** The place in the store concerned, where one is known: of a commit that of its last event. */
  readonly position?: number
  /** The file at fault, where it is not the log. */
  readonly path?: string
}

export interface VerifyReport {
  /** True where everything that was read is as it was written, and nothing is missing. */
  readonly ok: boolean
  readonly origin: string
  /** How many events the store has. */
  readonly position: number
  /** The root of the RFC 6962 tree over all of them, hexadecimal. */
  readonly root: string
  /** How many of each were read and checked. */
  readonly sessions: number
  readonly commits: number
  readonly bases: number
  readonly snapshots: number
  readonly durationMs: number
  readonly problems: readonly VerifyProblem[]
}

export interface VerifyParts {
  readonly log: EventLog
  readonly reader: LogReader
  readonly writer: Writer
  readonly cache: Cache
  readonly snapshots: SnapshotFolder | undefined
  readonly directory: Directory | undefined
  readonly origin: string
}

/** REQUIRES: no compaction runs meanwhile; it would move what is being read. Saves may go on. */
export async function verify(parts: VerifyParts, options: VerifyOptions = {}): Promise<VerifyReport> {
  const startedAt = performance.now()
  const problems: VerifyProblem[] = []
  const report = (error: unknown) => problems.push(problemOf(error))
  const { log, writer, cache, origin } = parts
  const checkpoint = readCheckpoint(options)
  const audit = new EventAudit(log, cache.sessions, writer.position, report)
  await audit.run(options)
  const { position, root, sessions, commits, bases } = audit
  const snapshots = await verifySnapshots(parts, audit, report, options.signal)
  await verifyForks(parts, audit, report)
  await verifyWitness(parts, report)
  if (checkpoint !== undefined) verifyAgainst(checkpoint, audit, origin, report)
  const durationMs = Math.round(performance.now() - startedAt)
  return {
    ok: problems.length === 0,
    origin,
    position,
    root,
    sessions,
    commits,
    bases,
    snapshots,
    durationMs,
    problems,
  }
}

type Report = (error: unknown) => void

async function verifySnapshots(
  { snapshots, reader, origin }: VerifyParts,
  audit: EventAudit,
  report: Report,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0
  if (snapshots === undefined) return count
  for await (const { path, snapshot, error } of snapshots.read()) {
    signal?.throwIfAborted()
    count++
    try {
      if (snapshot === undefined) throw error
      await verifySnapshot(snapshot, path, { reader, origin, audit })
    } catch (problem) {
      report(problem)
    }
  }
  return count
}

function readCheckpoint({ checkpoint, key }: VerifyOptions): Checkpoint | undefined {
  if (checkpoint === undefined && key === undefined) return undefined
  if (typeof checkpoint !== 'string') throw wrong('A key needs the checkpoint that it verifies', 'checkpoint')
  if (key === undefined) throw wrong('A checkpoint needs the key that verifies it', 'key')
  return verifyCheckpoint(checkpoint, key)
}

/** What was signed once is still there: nothing that the directory itself holds could tell so much. */
function verifyAgainst(checkpoint: Checkpoint, audit: EventAudit, origin: string, report: Report): void {
  const { size, root } = checkpoint
  const missing = (message: string) => report(new SessionlogError('SESSIONLOG_EVENTS_MISSING', message))
  if (checkpoint.origin !== originLine(origin))
    missing(`The checkpoint is of '${checkpoint.origin}', this store is '${originLine(origin)}'`)
  else if (size > audit.position)
    missing(`The log has ${audit.position} events, the checkpoint was given out for ${size}`)
  else if (treeRoot(audit.leaves, size) !== root)
    missing(`The first ${size} events are not those that the checkpoint was given out for`)
}

/** Holds the index of forks against what the sessions' first events say. */
async function verifyForks({ log }: VerifyParts, audit: EventAudit, report: Report): Promise<void> {
  const found = new Map(audit.forks)
  for await (const page of log.forks()) {
    for (const { sessionId, version, child } of page) {
      const point = found.get(child)
      if (point?.sessionId === sessionId && point.version === version) found.delete(child)
      else if (audit.trusts(child) && !audit.head(child)?.cut)
        report(corrupted(child, 1, `is not the fork of version ${version} of session '${sessionId}'`))
    }
  }
  for (const [child, { sessionId }] of found)
    report(corrupted(child, 1, `is not found among the forks of session '${sessionId}'`))
}

interface SnapshotContext {
  readonly reader: LogReader
  readonly origin: string
  readonly audit: EventAudit
}

async function verifySnapshot(
  snapshot: StoredSnapshot,
  path: string,
  context: SnapshotContext,
): Promise<void> {
  const { sessionId, version } = snapshot
  const { reader, origin, audit } = context
  const problem = (code: SessionlogErrorCode, what: string) => ({
    code,
    message: `The snapshot ${path} of version ${version} of session '${sessionId}' ${what}`,
    sessionId,
    version,
    path,
  })
  if (snapshot.origin !== origin)
    throw problem('SESSIONLOG_EVENTS_MISSING', 'is of another origin than the log')
  if (!audit.trusts(sessionId)) return
  const head = audit.head(sessionId)
  if (head === undefined || version > head.version) {
    throw problem(
      'SESSIONLOG_EVENTS_MISSING',
      `is ahead of the log, which has ${head?.version ?? 0} versions`,
    )
  }
  const isHead = version === head.version
  const said = isHead ? head : await recordedAs(reader, sessionId, version)
  const same = (['position', 'recordedAt', 'hash', 'schemaVersion'] as const).every(
    field => said?.[field] === snapshot[field],
  )
  const isState = isHead ? head.isState(snapshot.json) : equal(said?.state, readState(snapshot.json, path))
  if (!same || !isState) {
    throw problem('SESSIONLOG_CORRUPTION', 'is not what the log says')
  }
}

/** A version as the log has it; undefined where the number is none. */
async function recordedAs(reader: LogReader, sessionId: string, version: number) {
  const events = await reader.record(sessionId, version)
  const event = events.find(each => each.version === version)
  if (event === undefined) return undefined
  const { position, recordedAt, hash } = event
  return { position, recordedAt, hash, ...(await stateAtVersion(reader, sessionId, version)) }
}

async function verifyWitness({ log, directory, origin }: VerifyParts, report: Report): Promise<void> {
  if (directory === undefined) return
  try {
    const witness = await readWitness(directory.path)
    if (witness === undefined || witness.origin !== origin) return
    const missing = await findMissingEvents(log, witness, directory.path)
    if (missing !== undefined) report(missing)
  } catch (error) {
    report(error)
  }
}

/** What an error of ours says, as a problem; any other is thrown again. */
export function problemOf(error: unknown): VerifyProblem {
  if (!hasCode(error) || hasCode(error, 'SESSIONLOG_NOT_OPEN')) throw error
  const { code, message, sessionId, version, position, path } = error as VerifyProblem
  return {
    code,
    message,
    ...(sessionId !== undefined && { sessionId }),
    ...(version !== undefined && { version }),
    ...(position !== undefined && { position }),
    ...(path !== undefined && { path }),
  }
}
