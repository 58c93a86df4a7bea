import { checkId, checkWriteOptions } from '../arguments.ts'
import { EXPIRED } from '../event.ts'
import { SessionlogTypeError, type WriteOptions } from '../index.ts'
import { reconcile } from '../state/reconcile.ts'
import { fromTaggedJson } from '../state/tagged-json.ts'
import { NEVER } from './export-line.ts'
import { parseTime } from './text.ts'

/** One save or delete that an import asks for. */
export interface ImportLine {
  readonly session: string
  /** Undefined for a delete. */
  readonly state: unknown
  readonly options: WriteOptions
  /** ms since the epoch, `Infinity` for never. */
  readonly expiresAt?: number | undefined
  readonly schemaVersion?: number | undefined
}

const TEXTS = ['actor', 'type', 'reason', 'eventId', 'correlationId', 'causationId'] as const
/** Where an exported event was; it gets a place of its own. */
const INFORMATION = ['version', 'position', 'recordedAt', 'hash', 'previousHash']
const KNOWN = new Set([
  ...TEXTS,
  ...INFORMATION,
  ...['session', 'state', 'at', 'data', 'encoding', 'deleted', 'expiresAt', 'schemaVersion'],
])

/**
 * Reads one line: `{"session","state","actor"?,"at"?,"type"?,"reason"?,"data"?,"eventId"?,"encoding"?,"deleted"?}`
 * and what else `export` writes. `null` is as good as absent, but for the state and the data. Whatever a save would
 * refuse is refused here, before anything is written.
 */
export function parseLine(text: string): ImportLine {
  const line = parseObject(text)
  checkFields(line)
  const { session, encoding } = line
  checkId(session, 'session')
  const read = encoding === 'tagged' ? fromTaggedJson : (json: unknown) => json
  const deleted = isDelete(line)
  const state = deleted ? undefined : read(line.state)
  const options = optionsOf(line, read)
  checkWriteOptions(options)
  if (!deleted) reconcile(undefined, state)
  if (options.data !== undefined) reconcile(undefined, options.data)
  return { session, state, options, expiresAt: expiryOf(line), schemaVersion: schemaOf(line) }
}

type Fields = Record<string, unknown>

function parseObject(text: string): Fields {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch (error) {
    throw wrong(`not JSON: ${(error as Error).message}`)
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) throw wrong('not a JSON object')
  return line as Fields
}

function checkFields(line: Fields): void {
  const unknown = Object.keys(line).find(name => !KNOWN.has(name))
  if (unknown === 'patch' || (unknown === 'txn' && 'patch' in line))
    throw wrong('an edit of a text, not a state: "patch" can only be replayed through the API', 'patch')
  if (unknown !== undefined)
    throw wrong(`there is no field "${unknown}": what else belongs to the event goes into "data"`, unknown)
  const { encoding } = line
  if (encoding !== undefined && encoding !== null && encoding !== 'tagged' && encoding !== 'json')
    throw wrong(`"encoding" is "tagged" or "json", not ${JSON.stringify(encoding)}`, 'encoding')
}

function isDelete(line: Fields): boolean {
  const { deleted = false } = line
  if (typeof deleted !== 'boolean') throw wrong('"deleted" must be true or false', 'deleted')
  if (deleted === Object.hasOwn(line, 'state'))
    throw wrong(deleted ? 'both "deleted" and "state"' : 'no "state"', 'state')
  return deleted
}

function optionsOf(line: Fields, read: (json: unknown) => unknown): WriteOptions {
  const options: Fields = {}
  for (const name of TEXTS) if (line[name] !== undefined && line[name] !== null) options[name] = line[name]
  if (options.type === EXPIRED && line.deleted) options.type = EXPIRED.slice(1)
  if (Object.hasOwn(line, 'data')) options.data = read(line.data)
  if (line.at !== undefined && line.at !== null) options.occurredAt = timeOf(line.at, 'at')
  return options
}

function expiryOf({ expiresAt }: Fields): number | undefined {
  if (expiresAt === undefined || expiresAt === null) return undefined
  return expiresAt === NEVER ? Number.POSITIVE_INFINITY : timeOf(expiresAt, 'expiresAt')
}

function schemaOf({ schemaVersion }: Fields): number | undefined {
  if (schemaVersion === undefined || schemaVersion === null) return undefined
  if (Number.isSafeInteger(schemaVersion) && (schemaVersion as number) >= 0) return schemaVersion as number
  throw wrong('"schemaVersion" must be an integer >= 0', 'schemaVersion')
}

function timeOf(value: unknown, name: string): number {
  const ms = parseTime(value)
  if (ms !== undefined) return ms
  throw wrong(`"${name}" must be an ISO 8601 time or ms since the epoch, not ${JSON.stringify(value)}`, name)
}

function wrong(message: string, path = ''): SessionlogTypeError {
  return new SessionlogTypeError(message, path)
}
