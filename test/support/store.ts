import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openStore, type SessionStore, type StoreOptions } from '../../src/index.ts'

/** A new directory, gone when the test ends. */
export function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sessionlog-test-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }))
  return dir
}

const optionsOf = new WeakMap<object, StoreOptions<never>>()

/**
 * Opens a store that the test's end closes: in a new directory unless `dir` or `db` is given, and without
 * compactions of its own unless `compactEvery` is given.
 */
export async function create<State = unknown>(
  options: StoreOptions<State> = {},
): Promise<SessionStore<State>> {
  const place = options.dir === undefined && options.db === undefined ? { dir: temporary() } : {}
  const all = { compactEvery: 0, ...place, ...options }
  const store = await openStore<State>(all)
  optionsOf.set(store, all as StoreOptions<never>)
  onTestFinished(() => store.close().catch(() => {}))
  return store
}

/** Closes a store and opens it again in the same place; other options go before those it had. */
export async function reopen<State>(
  store: SessionStore<State>,
  options: StoreOptions<State> = {},
): Promise<SessionStore<State>> {
  await store.close()
  return create({ ...(optionsOf.get(store) as StoreOptions<State>), ...options })
}

/** The directory that `create` opened a store in. */
export function directoryOf(store: SessionStore<never>): string {
  return optionsOf.get(store)!.dir!
}

/** A clock that stands until it is moved. */
export class TestClock {
  now: number

  constructor(now = Date.UTC(2024, 1, 29)) {
    this.now = now
  }

  readonly read = (): number => this.now
}
