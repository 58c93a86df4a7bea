import { openStore, SessionlogTypeError, type SessionStore, type StoreOptions } from '../index.ts'
import { hasStore } from './directory.ts'
import type { Output } from './output.ts'
import type { Progress } from './progress.ts'

/** What a command is given beside its own arguments. */
export interface Context {
  readonly dir: string
  /** NDJSON for programs in place of text for people. */
  readonly json: boolean
  readonly out: Output
  readonly progress: Progress
  /** Aborted by Ctrl-C, by a request to end, and when the reader of the output has gone. */
  readonly signal: AbortSignal
}

export type Store = SessionStore<unknown>

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

/** Nothing that only reads makes a store where there is none. */
export async function assertStore(dir: string): Promise<void> {
  if (!(await hasStore(dir))) throw new SessionlogTypeError(`There is no store in '${dir}'`, 'dir')
}

/** A store that is open for a moment doesn't compact itself. */
export async function open(
  { dir, progress }: Pick<Context, 'dir' | 'progress'>,
  options: StoreOptions<unknown> = {},
): Promise<Store> {
  const store = await openStore<unknown>({
    dir,
    compactEvery: 0,
    onProgress: ({ sessions }) => progress.update('Opening', sessions),
    ...options,
  })
  progress.end()
  return store
}
