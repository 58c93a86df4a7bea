import { Bundle } from '../bundle.ts'
import { hasCode, sessionNotFound } from '../errors.ts'
import type { EventReader } from '../event-reader.ts'
import {
  type OpenProgress,
  openBundle,
  openStore,
  SessionlogTypeError,
  type SessionStore,
  type StoreOptions,
} from '../index.ts'
import { isBundle, isFile } from './bundle-path.ts'
import { hasStore } from './directory.ts'
import type { Output } from './output.ts'
import type { Progress } from './progress.ts'

/** What a command is given beside its own arguments. */
export interface Context {
  /** The directory of a store; for commands that only read, also the path of a bundle. */
  readonly dir: string
  /** NDJSON for programs in place of text for people. */
  readonly json: boolean
  readonly out: Output
  readonly progress: Progress
  /** Aborted by Ctrl-C, by a request to end, and when the reader of the output has gone. */
  readonly signal: AbortSignal
}

export type Store = SessionStore<unknown>

/** A store, or a bundle. */
export type Reader = EventReader<unknown>

/** Opens a store that is there, does something with it, and closes it whatever happens. */
export async function withStore<T>(
  context: Context,
  task: (store: Store) => Promise<T>,
  options: StoreOptions<unknown> = {},
): Promise<T> {
  await assertStore(context.dir)
  const store = await open(context, options)
  try {
    context.signal.throwIfAborted()
    return await task(store)
  } finally {
    context.progress.end()
    await store.close()
  }
}

/** Opens a store or a bundle, and does something that only reads. */
export async function withReader<T>(context: Context, task: (reader: Reader) => Promise<T>): Promise<T> {
  if (!(await isBundle(context.dir))) return withStore(context, task)
  context.progress.update('Opening', 0)
  const bundle = await openBundle(context.dir, { signal: context.signal }).finally(() =>
    context.progress.end(),
  )
  return task(bundle).finally(() => context.progress.end())
}

/** The version of a session's last event. Fails where there never was one. */
export function headOf(reader: Reader, id: string): number {
  const head = reader.version(id)
  if (head === 0) throw sessionNotFound(id, reader instanceof Bundle ? 'bundle' : 'store')
  return head
}

/** Nothing that only reads makes a store where there is none. */
export async function assertStore(dir: string): Promise<void> {
  if (await hasStore(dir)) return
  const message = isFile(dir)
    ? `'${dir}' is a file: this command needs a store`
    : `There is no store in '${dir}'`
  throw new SessionlogTypeError(message, 'dir')
}

/**
 * Opens a store for a moment: it doesn't compact itself. Where another process holds it, that one does the work; this one
 * never takes its place.
 */
export async function open(
  { dir, progress }: Pick<Context, 'dir' | 'progress'>,
  options: StoreOptions<unknown> = {},
): Promise<Store> {
  const onProgress = ({ sessions }: OpenProgress) => progress.update('Opening', sessions)
  const all = { dir, compactEvery: 0, onProgress, ...options }
  const store = await openStore<unknown>({ ...all, role: 'owner' }).catch(error => {
    if (!hasCode(error, 'SESSIONLOG_LOCKED')) throw error
    return openStore<unknown>({ ...all, role: 'follower' }).catch(second => {
      // Nobody to follow: then the first one says who holds the store.
      throw hasCode(second, 'SESSIONLOG_LOCKED') ? error : second
    })
  })
  progress.end()
  return store
}
