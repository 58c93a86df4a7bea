import { type Actor, SessionlogTypeError, type SessionStore } from '../index.ts'

// biome-ignore lint/suspicious/noExplicitAny: an adapter's sessions may stand beside others, whatever those hold.
export type AnyStore = SessionStore<any>

/** Who does it: always the same, or asked each time. Undefined leaves it to `withContext`. */
export type ActorOption<Args extends unknown[]> = Actor | ((...args: Args) => Actor | undefined)

export function wrongOption(message: string, path: string): SessionlogTypeError {
  return new SessionlogTypeError(message, path)
}

/** An object of options with nothing unknown in it. */
export function checkNames(options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw wrongOption('options must be an object', 'options')
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw wrongOption(`There is no option ${name}`, name)
}

export function checkStore(store: unknown): void {
  const { edit, commits } = (store ?? {}) as Partial<AnyStore>
  if (typeof edit !== 'function' || commits === undefined)
    throw wrongOption('store must be one that openStore() gave', 'store')
}

/** What a write says of who did it. */
export function actorOf<Args extends unknown[]>(
  actor: ActorOption<Args> | undefined,
  ...args: Args
): { actor?: Actor } {
  const who = typeof actor === 'function' ? actor(...args) : actor
  return who === undefined ? {} : { actor: who }
}
