import { readFile as readFileThen } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SessionlogError } from '../errors.ts'
import { assertFormat, FORMAT } from '../log/format.ts'
import type { RecordedState } from '../log/recorded-state.ts'
import { fromTaggedJson, toTaggedJson } from '../state/tagged-json.ts'
import { fileNameFor } from './file-name.ts'

/** A session's state at a version, as one readable JSON file. Derived from the log; it can be made again. */
export interface Snapshot extends RecordedState {
  /** Of the store whose version and position these are. */
  readonly origin: string
}

/** A snapshot as its file has it. */
export interface StoredSnapshot extends Omit<Snapshot, 'state'> {
  readonly format: number
  /** The state in tagged JSON, as it was parsed. */
  readonly json: unknown
}

/** For many small files in half the time of the one in `node:fs/promises`. */
const readFile = promisify(readFileThen)

export function snapshotPath(directory: string, sessionId: string): string {
  return join(directory, fileNameFor(sessionId))
}

/** The file's text: plain JSON wherever the state is, keys in the state's own order. */
export function formatSnapshot(snapshot: Snapshot): string {
  const { origin, sessionId, version, position, recordedAt, hash, schemaVersion, expiresAt, state } = snapshot
  const fields = {
    format: FORMAT,
    origin,
    sessionId,
    version,
    position,
    recordedAt,
    hash,
    ...(schemaVersion !== 0 && { schemaVersion }),
    ...(Number.isFinite(expiresAt) && { expiresAt }),
    state: toTaggedJson(state),
  }
  return `${JSON.stringify(fields, null, 2)}\n`
}

/** Reads a snapshot file; undefined where there is none. Anything but a snapshot is `SESSIONLOG_CORRUPTION`. */
export async function readSnapshot(path: string): Promise<Snapshot | undefined> {
  const stored = await readStoredSnapshot(path)
  if (stored === undefined) return undefined
  const { json, ...fields } = stored
  return { ...fields, state: readState(json, path) }
}

/** The same, but for the state, which may hold what is none. */
export async function readStoredSnapshot(path: string): Promise<StoredSnapshot | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SessionlogError('SESSIONLOG_IO_ERROR', `The snapshot ${path} cannot be read`, { cause, path })
  }
  return parseSnapshot(text, path)
}

function parseSnapshot(text: string, path: string): StoredSnapshot {
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(text)
  } catch (cause) {
    throw new SessionlogError('SESSIONLOG_CORRUPTION', `The snapshot ${path} is not JSON`, { cause, path })
  }
  if (!isSnapshot(fields))
    throw new SessionlogError('SESSIONLOG_CORRUPTION', `${path} is not a snapshot`, { path })
  assertFormat(`The snapshot ${path}`, fields.format, path)
  const { sessionId, version, position, recordedAt, hash, origin, schemaVersion = 0 } = fields
  const expiresAt = fields.expiresAt ?? Number.POSITIVE_INFINITY
  return {
    format: fields.format,
    sessionId,
    version,
    position,
    recordedAt,
    hash,
    origin,
    schemaVersion,
    expiresAt,
    json: fields.state,
  }
}

/** The state of a snapshot. */
export function readState(json: unknown, path: string): unknown {
  try {
    return fromTaggedJson(json)
  } catch (cause) {
    const message = `The snapshot ${path} does not hold a state: ${(cause as Error).message}`
    throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { cause, path })
  }
}

const FIELDS = {
  format: 'number',
  origin: 'string',
  sessionId: 'string',
  version: 'number',
  position: 'number',
  recordedAt: 'number',
  hash: 'string',
} as const

/** What a snapshot file of any format holds. */
type SnapshotFields = Snapshot & { readonly format: number }

export function isSnapshot(value: unknown): value is SnapshotFields {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'state')) return false
  return Object.entries(FIELDS).every(
    ([field, type]) => typeof (value as Record<string, unknown>)[field] === type,
  )
}
