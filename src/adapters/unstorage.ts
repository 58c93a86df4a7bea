import type { Driver, StorageMeta, TransactionOptions, WatchCallback } from 'unstorage'
import { type Actor, openStore, type RecordedEvent } from '../index.ts'
import {
  type ActorOption,
  type AnyStore,
  actorOf,
  checkNames,
  checkStore,
  wrongOption,
} from './adapter-options.ts'
import { bytesOf, type Item, stateOf, textOf } from './stored-item.ts'

export interface SessionlogDriverOptions {
  /** A store that is open; it is not closed by `dispose()`. Either this or `dir`. */
  store?: AnyStore
  /** The directory of a store that is opened at the first call, and closed by `dispose()`. */
  dir?: string
  /** What stands before each key in the store, and a colon. Default: nothing, the whole store is the driver's. */
  base?: string
  /** How long an item lives after it was set, in seconds, where the call says nothing. Default: for ever. */
  ttl?: number
  /** Who is named by the events where the call says nothing. */
  actor?: ActorOption<[key: string]>
}

/** What a call may say: `storage.setItem(key, value, { ttl: 60, actor: 'ada' })`. */
export interface ItemOptions extends TransactionOptions {
  /** Seconds. */
  ttl?: number
  actor?: Actor
  reason?: string
}

/**
 * A driver of unstorage (the contract is `Driver` in its types, and what its own drivers do): each item is a session,
 * each change an event. `getItem` gives back the text that was set; JSON objects and arrays are kept as such, so that
 * the log has which member changed. Calls reject with what the store's methods reject with.
 */
export function sessionlogDriver(options: SessionlogDriverOptions) {
  checkNames(options, ['store', 'dir', 'base', 'ttl', 'actor'])
  const { store: given, dir, base = '', ttl: ttlOfAll, actor } = options
  if ((given === undefined) === (dir === undefined))
    throw wrongOption('Either store or dir must be given', 'store')
  if (given !== undefined) checkStore(given)
  checkTtl(ttlOfAll)
  const prefix = withColon(base)

  let opening: Promise<AnyStore> | undefined
  const open = (): Promise<AnyStore> => {
    if (opening !== undefined) return opening
    opening = given === undefined ? openStore({ dir: dir! }) : Promise.resolve(given)
    // What could not be opened may be tried again.
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }
  /** The store, with all that any process was told in it. */
  const upToDate = async () => {
    const store = await open()
    await store.catchUp()
    return store
  }
  const said = (key: string, opts: ItemOptions = {}) => ({
    ...(opts.actor === undefined ? actorOf(actor, key) : { actor: opts.actor }),
    ...(opts.reason !== undefined && { reason: opts.reason }),
  })
  const lasting = ({ ttl = ttlOfAll }: ItemOptions = {}) => {
    checkTtl(ttl)
    // An item without a ttl must not inherit that of the one before.
    return { expiresAt: ttl ? Date.now() + ttl * 1000 : Number.POSITIVE_INFINITY }
  }
  const set = async (key: string, state: Item, opts?: ItemOptions) => {
    const facts = { ...said(key, opts), ...lasting(opts) }
    await (await open()).save(prefix + key, state, facts)
  }
  const get = async (key: string) => (await upToDate()).get(prefix + key) as Item | undefined
  const idsOf = (store: AnyStore, under = '') =>
    [...store.ids()].filter(id => id.startsWith(prefix + withColon(under)))

  const unwatches = new Set<() => void>()

  return {
    name: 'sessionlog',
    options,
    flags: { ttl: true },
    getInstance: open,

    async hasItem(key: string) {
      return (await upToDate()).has(prefix + key)
    },

    async getItem(key: string) {
      const state = await get(key)
      return state === undefined ? null : textOf(state)
    },

    async getItemRaw(key: string) {
      const state = await get(key)
      return state === undefined ? null : textOf(state)
    },

    setItem: (key: string, value: string, opts?: ItemOptions) => set(key, stateOf(value), opts),

    /** Text or bytes. */
    setItemRaw: async (key: string, value: unknown, opts?: ItemOptions) => {
      await set(key, typeof value === 'string' ? stateOf(value) : bytesOf(value), opts)
    },

    /** All or none. */
    async setItems(items: { key: string; value: string; options?: ItemOptions }[], common?: ItemOptions) {
      const batch = items.map(({ key, value, options: own }) => {
        const opts = { ...common, ...own }
        return { id: prefix + key, state: stateOf(value), ...said(key, opts), ...lasting(opts) }
      })
      await (await open()).saveAll(batch)
    },

    async removeItem(key: string, opts?: ItemOptions) {
      await (await open()).delete(prefix + key, said(key, opts))
    },

    async getKeys(under?: string) {
      const store = await upToDate()
      return idsOf(store, under).map(id => id.slice(prefix.length))
    },

    /** All or none. */
    async clear(under?: string, opts?: ItemOptions) {
      const store = await upToDate()
      const batch = idsOf(store, under).map(id => {
        return { id, delete: true as const, ...said(id.slice(prefix.length), opts) }
      })
      if (batch.length > 0) await store.saveAll(batch)
    },

    /** When, by whom and as what version the item was set; `ttl` is what is left, in seconds. */
    async getMeta(key: string): Promise<StorageMeta | null> {
      const store = await upToDate()
      if (!store.has(prefix + key)) return null
      for await (const event of store.history(prefix + key, { reverse: true }))
        if (!NO_CHANGE.includes(event.type)) return metaOf(event)
      return null
    },

    /** Told of each item that is set or removed, by whatever process, in the order of the log. */
    async watch(callback: WatchCallback) {
      const store = await open()
      const tell = (event: RecordedEvent) => {
        if (!event.sessionId.startsWith(prefix) || NO_CHANGE.includes(event.type)) return
        const isGone = event.changes.some(({ op, path }) => op === 'remove' && path === '')
        callback(isGone ? 'remove' : 'update', event.sessionId.slice(prefix.length))
      }
      const subscription = store.commits.subscribe({
        next: events => events.forEach(tell),
        // The store has stopped: whoever writes is told so.
        error: () => {},
      })
      const unwatch = () => {
        unwatches.delete(unwatch)
        subscription.unsubscribe()
      }
      unwatches.add(unwatch)
      return unwatch
    },

    async dispose() {
      for (const unwatch of unwatches) unwatch()
      if (given === undefined && opening !== undefined) await (await opening).close()
    },
  } satisfies Driver<SessionlogDriverOptions, Promise<AnyStore>>
}

export default sessionlogDriver

/** The store's own words about a session, which leave its state as it is. */
const NO_CHANGE = ['$held', '$released', '$pruned']

function metaOf({ recordedAt, version, actor, reason, expiresAt }: RecordedEvent): StorageMeta {
  return {
    mtime: new Date(recordedAt),
    version,
    ...(actor !== undefined && { actor }),
    ...(reason !== undefined && { reason }),
    ...(Number.isFinite(expiresAt) && { ttl: Math.max(0, (expiresAt! - Date.now()) / 1000) }),
  }
}

function withColon(base: string): string {
  return base === '' || base.endsWith(':') ? base : `${base}:`
}

function checkTtl(ttl: unknown): void {
  if (ttl === undefined || (Number.isFinite(ttl) && (ttl as number) >= 0)) return
  throw wrongOption('ttl must be a number of seconds >= 0', 'ttl')
}
