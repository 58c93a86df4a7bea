import { randomUUID } from 'node:crypto'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionlogError } from './errors.ts'
import { MerkleTree } from './log/chain.ts'
import { assertFormat, FORMAT } from './log/format.ts'
import { REFUSED } from './log/found-log.ts'
import type { EventLog, StoreRecord } from './log/port.ts'
import type { Settings } from './options.ts'
import { allowsSame } from './policies.ts'
import { readWitness, type Witness, witnessPath } from './snapshot/witness.ts'

type IdentityOptions = Pick<
  Settings<unknown>,
  'acceptLoss' | 'clock' | 'schemaVersion' | 'requireActor' | 'requireReason' | 'prune'
>

export interface Identity {
  readonly record: StoreRecord
  /** True where the record is not in the log yet. */
  readonly changed: boolean
  /** What the record was, where it was of an older format. */
  readonly before: StoreRecord | undefined
  /** True where events were lost and the caller accepts it: what said so is to be kept, see {@link keepWitness}. */
  readonly lossAccepted: boolean
  /** Up to which position every session's snapshot is there, as far as is known. */
  readonly snapshotsTo: number
}

/**
 * Who this store is: as its log says, with the policies that the options change. Where a witness outside the log
 * knows of more events than are there, the log is refused, unless the caller accepts the loss; then the store is
 * another one from here on, with a new origin, and what the witness said is kept beside it.
 */
export async function identify(
  log: EventLog,
  directory: Directory | undefined,
  settings: IdentityOptions,
): Promise<Identity> {
  const found = await log.readStore()
  if (found !== undefined) assertFormat('The log', found.format)
  if (found === undefined && (await log.lastCommit()) !== undefined) throw recordMissing()
  const witness = directory && (await readWitness(directory.path))
  const loss = directory && (await findLoss(log, found, directory, witness))
  if (loss !== undefined && !settings.acceptLoss) throw loss
  const known = loss === undefined ? found : found && { ...found, origin: randomUUID() }
  const record = upgraded(withPolicies(known ?? newRecord(settings), settings))
  const lossAccepted = loss !== undefined
  const snapshotsTo = lossAccepted || witness === undefined ? 0 : witness.snapshots
  const before = found !== undefined && found.format !== FORMAT ? found : undefined
  return { record, changed: record !== found, before, lossAccepted, snapshotsTo }
}

/** Where a store keeps what is not the log. */
export interface Directory {
  readonly path: string
  readonly snapshots: string
}

function newRecord(settings: IdentityOptions): StoreRecord {
  return {
    format: FORMAT,
    origin: randomUUID(),
    createdAt: Math.trunc(settings.clock()),
    schemaVersion: 0,
    requireActor: false,
    requireReason: false,
  }
}

function withPolicies(record: StoreRecord, settings: IdentityOptions): StoreRecord {
  const { schemaVersion = record.schemaVersion } = settings
  const { requireActor = record.requireActor, requireReason = record.requireReason } = settings
  if (schemaVersion < record.schemaVersion) {
    const message = `The store's states have schema ${record.schemaVersion}, schemaVersion is ${schemaVersion}`
    throw new SessionlogError('SESSIONLOG_POLICY_VIOLATED', message)
  }
  const same =
    schemaVersion === record.schemaVersion &&
    requireActor === record.requireActor &&
    requireReason === record.requireReason &&
    allowsSame(record, settings.prune)
  if (same) return record
  const { prune: allowed, ...others } = record
  const prune = settings.prune ?? allowed
  return { ...others, schemaVersion, requireActor, requireReason, ...(prune && { prune }) }
}

/** All else in a store of an older format is as this version has it. */
function upgraded(record: StoreRecord): StoreRecord {
  return record.format === FORMAT ? record : { ...record, format: FORMAT }
}

const WAY_OUT = 'Put a copy of it back, or import the snapshots'

/** What speaks of a log that is not there: a witness, or snapshots. */
export async function findLostLog(
  directory: Directory,
  witness: Witness | undefined,
): Promise<SessionlogError | undefined> {
  if (witness !== undefined)
    return lost(`The log is gone: it once had ${witness.position} events. ${WAY_OUT}`, directory.path)
  if (!(await hasSnapshots(directory.snapshots))) return undefined
  return lost(`The log is gone, but there are snapshots. ${WAY_OUT}`, directory.snapshots)
}

async function findLoss(
  log: EventLog,
  record: StoreRecord | undefined,
  directory: Directory,
  witness: Witness | undefined,
): Promise<SessionlogError | undefined> {
  if (record === undefined) return findLostLog(directory, witness)
  if (witness === undefined) return undefined
  if (witness.origin !== record.origin)
    return lost('The log is not the one that was here before', directory.path)
  return findMissingEvents(log, witness, directory.path)
}

/** What a witness knows of and the log does not have. */
export async function findMissingEvents(
  log: EventLog,
  witness: Witness,
  path: string,
): Promise<SessionlogError | undefined> {
  const position = (await log.lastCommit())?.lastPosition ?? 0
  if (position < witness.position) {
    return lost(`The log has ${position} events, and once had ${witness.position}`, path, position + 1)
  }
  if (witness.position === 0 && witness.root === new MerkleTree().root()) return undefined
  // A witness is only ever written between two commits.
  for await (const [commit] of log.commits(witness.position - 1)) {
    if (commit?.lastPosition === witness.position && commit.root === witness.root) return undefined
    break
  }
  const what = `The events up to position ${witness.position}`
  return lost(`${what} are not those that were there before`, path, witness.position)
}

async function hasSnapshots(path: string): Promise<boolean> {
  const files = await readdir(path).catch(() => [])
  return files.some(file => file.endsWith('.json'))
}

/**
 * Puts aside what a witness said of a log that is accepted without its lost events, and what is left of that log as
 * it was refused. REQUIRES: the log has its new
 * origin. Killed before this, the store is refused once more; the other way round, it would go on as the old one.
 */
export async function keepWitness(directory: Directory): Promise<void> {
  const witness = await readWitness(directory.path)
  if (witness === undefined) return
  const ended = `${witness.origin}-${witness.position}`
  const refused = join(directory.path, REFUSED)
  await rename(refused, `${refused}-${ended}`).catch(() => {})
  await rename(witnessPath(directory.path), join(directory.path, `head-${ended}.json`))
}

function lost(message: string, path: string, position?: number): SessionlogError {
  const place = position === undefined ? { path } : { path, position }
  return new SessionlogError('SESSIONLOG_EVENTS_MISSING', message, place)
}

function recordMissing(): SessionlogError {
  return new SessionlogError(
    'SESSIONLOG_CORRUPTION',
    "The store's record is missing from a log that has events",
  )
}
