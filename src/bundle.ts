import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { NEVER } from 'rxjs'
import { checkId, checkNumber, checkOptions, checkPath, checkType, wrong } from './arguments.ts'
import type { BundledSession, BundleLog } from './bundle/bundle-log.ts'
import { BundleReader } from './bundle/bundle-reader.ts'
import type { BundleCounts, BundleHeader } from './bundle/header.ts'
import { splitItems } from './bundle/item.ts'
import { SessionlogError, sessionNotFound } from './errors.ts'
import { EventReader } from './event-reader.ts'
import { corrupted } from './log/record.ts'
import { checkLogger, harmless, type Logger } from './logger.ts'
import type { OnThrow } from './projection/guarded.ts'
import { Past, type Recorded } from './projection/past.ts'
import { readSteps } from './projection/steps.ts'
import { Upcast } from './projection/upcast.ts'
import { parseVkey } from './proof/key.ts'
import { apply } from './state/apply.ts'
import { handOut } from './state/exotic.ts'
import { equal, type Immutable } from './state/values.ts'

/** How to read a bundle. */
export interface OpenBundleOptions<State> {
  /** The verifier's key of the store, or several: a bundle whose checkpoint none of them signed is refused. */
  key?: string | readonly string[]
  /** The schema that readers get. Default: the store's, when the bundle was written. */
  schemaVersion?: number
  /** As `openStore` has it. */
  upcast?: (state: Immutable<unknown>, schemaVersion: number) => State
  /** How many bytes it may unpack to, 1 or more: they are held in memory. Default: 1 GiB. */
  bytesMax?: number
  /** Where diagnostics go. Default: silent. */
  logger?: Logger
  /** Ends the reading with its reason. */
  signal?: AbortSignal
}

const BYTES_MAX = 2 ** 30

/** Sessions from a store that is not here. Made by `openBundle`; what is read from it has been checked. */
export class Bundle<State> extends EventReader<State> {
  /** What the bundle says of itself. */
  readonly header: BundleHeader
  readonly counts: BundleCounts
  /** The sessions in it, also those that have no state. */
  readonly sessions: readonly BundledSession[]
  /** How many sessions have a state. */
  readonly size: number
  readonly #log: BundleLog
  readonly #upcast: Upcast
  readonly #states = new Map<string, unknown>()

  constructor(header: BundleHeader, counts: BundleCounts, log: BundleLog, upcast: Upcast, onThrow: OnThrow) {
    const writer = { position: header.position, failure: undefined, settled: async () => {} }
    const commits = { observable: NEVER, ended: true, changed: async () => {} }
    super(new Past({ forks: log, reader: log, writer, commits, upcast, onThrow }))
    this.header = header
    this.counts = counts
    this.sessions = [...log.sessions.values()].map(({ id, first, last, head }) => ({ id, first, last, head }))
    this.size = this.sessions.filter(({ id }) => log.exists(id)).length
    this.#log = log
    this.#upcast = upcast
  }

  get origin(): string {
    return this.header.origin
  }

  get position(): number {
    return this.header.position
  }

  get(id: string): Immutable<State> | undefined {
    if (!this.#states.has(id)) this.#states.set(id, this.#upcast.make(this.#log.state(id)))
    return handOut(this.#states.get(id)) as Immutable<State> | undefined
  }

  has(id: string): boolean {
    return this.#log.exists(id)
  }

  version(id: string): number {
    return this.#log.sessions.get(id)?.last ?? 0
  }

  firstVersion(id: string): number {
    return this.#log.sessions.get(id)?.first ?? 0
  }

  *ids(): IterableIterator<string> {
    for (const id of this.#log.sessions.keys()) if (this.has(id)) yield id
  }

  /**
   * Makes every state from its events. `SESSIONLOG_CORRUPTION` where changes do not fit what they find, or an event holds
   * another state than they make. All else was checked when the bundle was opened.
   */
  async verify(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkOptions(options, ['signal'])
    const { signal } = options
    for (const { id, first, last } of this.sessions) {
      for await (const { event, before, after } of readSteps(this.#log, id, {
        from: first,
        to: last,
        signal,
      }))
        if (!equal(apply(event.changes, before.state), after.state))
          throw corrupted(id, event.version, 'holds a state that its changes do not make')
    }
  }

  /** A session that is not in the bundle may well be in the store: nothing can be said of it. */
  protected override recorded(id: string): Recorded {
    checkId(id)
    const session = this.#log.sessions.get(id)
    if (session === undefined) throw sessionNotFound(id, 'bundle')
    return { id, acknowledged: { version: session.last } }
  }

  /** A bundle is in memory. */
  protected override assertReadable(): void {}
}

/**
 * Reads a bundle and checks all of it: each event's hash and place, and the proof that it is in the log that the bundle
 * is from. With a `key` that log is known to be the one whose key it is; without, only what fits together is known.
 *
 * @throws `SESSIONLOG_CORRUPTION` where the file is damaged or no bundle, `SESSIONLOG_PROOF_INVALID` where it does not
 * prove what it says, `SESSIONLOG_FORMAT_UNSUPPORTED`, `SESSIONLOG_IO_ERROR`; all with the path.
 */
export async function openBundle<State = unknown>(
  path: string,
  options: OpenBundleOptions<State> = {},
): Promise<Bundle<State>> {
  checkOptions(options, ['key', 'schemaVersion', 'upcast', 'bytesMax', 'logger', 'signal'])
  checkNumber(options, 'schemaVersion', 0)
  checkType(options, 'upcast', 'function')
  checkLogger(options.logger)
  const { header, counts, log } = await readBundle(path, options)
  const { schemaVersion = header.schemaVersion } = options
  if (schemaVersion < header.schemaVersion)
    throw wrong(
      `The bundle has schema ${header.schemaVersion}, which is after ${schemaVersion}`,
      'schemaVersion',
    )
  const upcast = new Upcast(schemaVersion, options.upcast as never)
  const logger = harmless(options.logger)
  const onThrow = (err: unknown) => logger.error({ err }, 'A subscriber threw')
  return new Bundle<State>(header, counts, log, upcast, onThrow)
}

/** Everything that a bundle holds, checked. */
export async function readBundle(
  path: string,
  options: Pick<OpenBundleOptions<unknown>, 'key' | 'bytesMax' | 'signal'>,
): Promise<{ header: BundleHeader; counts: BundleCounts; log: BundleLog }> {
  checkPath(path, 'path')
  checkNumber(options, 'bytesMax', 1)
  checkKeys(options.key)
  try {
    const reader = new BundleReader()
    await readItems(path, reader, options)
    const header = reader.finish(options.key)
    return { header, counts: reader.counts, log: reader.log }
  } catch (error) {
    options.signal?.throwIfAborted()
    throw refusal(path, error)
  }
}

/** Before anything is read. */
function checkKeys(keys: string | readonly string[] | undefined): void {
  if (keys === undefined) return
  const list = typeof keys === 'string' ? [keys] : keys
  if (!Array.isArray(list) || list.length === 0)
    throw wrong("key must be a verifier's key, or a list of them", 'key')
  for (const key of list) {
    if (typeof key !== 'string') throw wrong("key must be a verifier's key, or a list of them", 'key')
    parseVkey(key)
  }
}

async function readItems(
  path: string,
  reader: BundleReader,
  { bytesMax = BYTES_MAX, signal }: Pick<OpenBundleOptions<unknown>, 'bytesMax' | 'signal'>,
): Promise<void> {
  const file = createReadStream(path, signal && { signal })
  const chunks = createGunzip()
  file.on('error', error => chunks.destroy(error)).pipe(chunks)
  try {
    for await (const item of splitItems(limited(chunks, bytesMax))) reader.take(item)
  } finally {
    file.destroy()
    chunks.destroy()
  }
}

async function* limited(
  chunks: AsyncIterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > bytesMax) throw wrong(`The bundle unpacks to more than bytesMax, ${bytesMax}`, 'bytesMax')
    yield chunk
  }
}

/** An error that names the file; what is none of the file's is thrown as it is. */
function refusal(path: string, error: unknown): unknown {
  const cause = error as Partial<SessionlogError> & NodeJS.ErrnoException
  const code =
    error instanceof SessionlogError
      ? error.code
      : cause.code?.startsWith('Z_')
        ? 'SESSIONLOG_CORRUPTION'
        : cause.syscall !== undefined
          ? 'SESSIONLOG_IO_ERROR'
          : undefined
  if (code === undefined) return error
  const { sessionId, version } = cause
  return new SessionlogError(code, `Cannot read the bundle '${path}': ${cause.message}`, {
    cause,
    path,
    ...(sessionId !== undefined && { sessionId }),
    ...(version !== undefined && { version }),
  })
}
