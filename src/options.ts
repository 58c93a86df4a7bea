import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AbstractLevel } from 'abstract-level'
import {
  checkNames,
  checkNumber,
  checkOptions,
  checkPath,
  checkType,
  parseDuration,
  wrong,
} from './arguments.ts'
import type { PrunePolicy } from './log/retention.ts'
import { checkLogger, harmless, type Logger } from './logger.ts'
import type { OpenProgress } from './projection/rebuild.ts'
import { parseSkey } from './proof/key.ts'
import { refuseAsynchronous } from './schema.ts'
import type { Immutable } from './state/values.ts'

/** Either `dir` or `db`. */
export interface StoreOptions<State> {
  /** The directory of the store; made where it is missing. */
  dir?: string
  /** Any open abstract-level database with synchronous reads and snapshots, in place of a directory. It is not closed. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever keys and values it has, the log brings its own.
  db?: AbstractLevel<any, any, any>
  /** Lets other processes of this user follow the store; where one holds it already, this one follows. Default: true. */
  share?: boolean
  /** Whether to own the directory or to follow its owner; `auto` is the first that can be had. Default: `auto`. */
  role?: 'auto' | 'owner' | 'follower'
  /** Any synchronous Standard Schema validator. What it answers with is what is saved. */
  schema?: StandardSchemaV1<unknown, State>
  /** Integer >= 0. The schema of the states saved from now on. Default: the store's last. */
  schemaVersion?: number
  /** Makes today's shape out of a state of an older `schemaVersion`. Pure, synchronous. */
  upcast?: (state: Immutable<unknown>, schemaVersion: number) => State
  /** ms since the epoch. Default: `Date.now`. */
  clock?: () => number
  /** Default: silent. */
  logger?: Logger
  /** `sync`: a receipt means the event is on the disk. `buffered`: it is with the operating system. Default: `sync`. */
  durability?: 'sync' | 'buffered'
  /** For `buffered`: how long an event may wait for the disk, in ms, 1 or more. Default: 100. */
  syncIntervalMs?: number
  /** How many bytes of events may wait for the disk before `save` rejects, 1 or more. Default: 64 MiB. */
  pendingBytesMax?: number
  /** Answers a save that changes nothing with the last receipt, in place of an event. Default: false. */
  skipUnchanged?: boolean
  /** How often the open store compacts itself, in ms; 0 is never. Default: five minutes. */
  compactEvery?: number
  /** Every event needs an `actor`; kept in the store until set to false. */
  requireActor?: boolean
  /** Every event needs a `reason`; kept in the store until set to false. */
  requireReason?: boolean
  /** What `prune()` may destroy; kept in the store until set to false. Default: nothing. */
  prune?: PruneOption | false
  /** Signs checkpoints: a signer's key as `generateKey` makes it. It is not kept. */
  signingKey?: string
  /** Given a signed checkpoint at the end of each compaction, to be kept where nobody can change both. */
  onCheckpoint?: (checkpoint: string) => void | Promise<void>
  /** Reads the whole log in place of the bases. Default: false. */
  rebuild?: boolean
  /** Opens a log that has lost events; the store gets a new origin. Default: false. */
  acceptLoss?: boolean
  /** Told now and then while the store opens. */
  onProgress?: (progress: OpenProgress) => void
}

/** Which events may be destroyed: where both are given, both must hold. */
export interface PruneOption {
  /** Recorded longer ago than this: ms, or a text such as `90d`, `12h`, `2w`. */
  olderThan?: number | string
  /** So many of each session must stay. */
  keepLast?: number
}

/** Options with every default filled in. */
export type Settings<State> = Omit<StoreOptions<State>, 'prune'> & {
  readonly prune?: PrunePolicy | false
} & Required<
    Pick<
      StoreOptions<State>,
      | 'share'
      | 'role'
      | 'clock'
      | 'logger'
      | 'durability'
      | 'syncIntervalMs'
      | 'pendingBytesMax'
      | 'skipUnchanged'
      | 'compactEvery'
    >
  >

/** The longest that a Node.js timer can wait; a longer one would not wait at all. */
const TIMER_MS_MAX = 2 ** 31 - 1

const NUMBERS = { schemaVersion: 0, syncIntervalMs: 1, pendingBytesMax: 1, compactEvery: 0 } as const
const FUNCTIONS = ['clock', 'upcast', 'onProgress', 'onCheckpoint'] as const
const BOOLEANS = ['share', 'skipUnchanged', 'requireActor', 'requireReason', 'rebuild', 'acceptLoss'] as const
const OTHERS = ['dir', 'db', 'role', 'schema', 'logger', 'durability', 'signingKey', 'prune']

export function checkStoreOptions<State>(options: StoreOptions<State>): Settings<State> {
  if (typeof options !== 'object' || options === null)
    throw wrong('openStore() takes an object of options', '')
  checkNames(options, [...Object.keys(NUMBERS), ...FUNCTIONS, ...BOOLEANS, ...OTHERS])
  if ((options.dir === undefined) === (options.db === undefined))
    throw wrong('Either dir or db must be given', 'dir')
  if (options.dir !== undefined) checkPath(options.dir, 'dir')
  for (const [name, min] of Object.entries(NUMBERS)) checkNumber(options, name, min)
  for (const name of FUNCTIONS) checkType(options, name, 'function')
  if (options.signingKey !== undefined) parseSkey(options.signingKey)
  else if (options.onCheckpoint !== undefined) throw wrong('onCheckpoint needs a signingKey', 'signingKey')
  for (const name of BOOLEANS) checkType(options, name, 'boolean')
  for (const name of ['open', 'sublevel'] as const) {
    if (options.db !== undefined && typeof options.db?.[name] !== 'function')
      throw wrong('db must be an abstract-level database', 'db')
  }
  checkLogger(options.logger)
  if (!['sync', 'buffered', undefined].includes(options.durability)) {
    throw wrong(`durability must be 'sync' or 'buffered', not ${String(options.durability)}`, 'durability')
  }
  if (!['auto', 'owner', 'follower', undefined].includes(options.role))
    throw wrong(`role must be 'auto', 'owner' or 'follower', not ${String(options.role)}`, 'role')
  if (options.role === 'follower' && (options.db !== undefined || options.share === false))
    throw wrong('A follower needs a directory that is shared', 'role')
  checkSchema(options.schema)
  const { prune, ...others } = options
  return {
    ...others,
    ...(prune !== undefined && { prune: prune && policyOf(prune) }),
    share: options.share ?? true,
    role: options.role ?? 'auto',
    clock: options.clock ?? Date.now,
    logger: harmless(options.logger),
    durability: options.durability ?? 'sync',
    syncIntervalMs: Math.min(options.syncIntervalMs ?? 100, TIMER_MS_MAX),
    pendingBytesMax: options.pendingBytesMax ?? 64 * 1024 * 1024,
    skipUnchanged: options.skipUnchanged ?? false,
    compactEvery: Math.min(options.compactEvery ?? 5 * 60 * 1000, TIMER_MS_MAX),
  }
}

function policyOf(option: PruneOption): PrunePolicy {
  checkOptions(option, ['olderThan', 'keepLast'])
  checkNumber(option, 'keepLast', 0)
  const { olderThan, keepLast } = option
  if (olderThan === undefined && keepLast === undefined)
    throw wrong('prune must have olderThan or keepLast', 'prune')
  return {
    ...(olderThan !== undefined && { olderThan: parseDuration(olderThan, 'prune/olderThan') }),
    ...(keepLast !== undefined && { keepLast }),
  }
}

function checkSchema(schema: StandardSchemaV1 | undefined): void {
  if (schema === undefined) return
  const validate = schema?.['~standard']?.validate
  if (typeof validate !== 'function') throw wrong('schema must be a Standard Schema', 'schema')
  let result: unknown
  try {
    result = validate(undefined)
  } catch {
    // A validator that throws is at least not asynchronous.
  }
  refuseAsynchronous(result)
}
