import type { Actor, SessionStore } from '../../index.ts'
import { checkNames, checkStore, wrongOption } from '../adapter-options.ts'
import type { ActorOf } from './web-sessions.ts'

export interface WebStoreOptions {
  /** An open store of its own: whatever is in it counts as a session of the framework. */
  // biome-ignore lint/suspicious/noExplicitAny: of states of any type.
  store: SessionStore<any>
  /** How long a session lives whose cookie has no expiry, ms; `Infinity` is for ever. Default: one day. */
  ttl?: number
  /** An expiry that would move by less than this is left where it is, ms. Default: 0, any is moved. */
  touchAfter?: number
  /**
   * Who the events are by: a name, or a function that is given the session as it is recorded and answers with who is
   * logged in, or with undefined. Where it knows nobody any more (a logout), it is given the session before.
   */
  actor?: Actor | ((session: SessionBody) => Actor | undefined)
  /**
   * For a `genid` that gives an id a second time. A write to a session that was destroyed is late, and refused; with this,
   * one of which nobody knows who made it begins a new session. Default: false.
   */
  reuseIds?: boolean
}

/** A session as it is recorded: what JSON makes of it. */
// biome-ignore lint/suspicious/noExplicitAny: the application knows what it put there.
export type SessionBody = Readonly<Record<string, any>>

export interface WebSettings {
  readonly store: SessionStore<unknown>
  readonly ttl: number
  readonly touchAfter: number
  readonly actor: ActorOf | undefined
  readonly reuseIds: boolean
}

export const DAY_MS = 86_400_000

export function settingsOf(options: WebStoreOptions): WebSettings {
  checkNames(options, ['store', 'ttl', 'touchAfter', 'actor', 'reuseIds'])
  const { store, ttl = DAY_MS, touchAfter = 0, actor, reuseIds = false } = options
  checkStore(store)
  if (!(typeof ttl === 'number' && ttl > 0)) throw wrongOption('ttl must be a number of ms above 0', 'ttl')
  if (!(typeof touchAfter === 'number' && touchAfter >= 0))
    throw wrongOption('touchAfter must be ms, 0 or more', 'touchAfter')
  if (typeof reuseIds !== 'boolean') throw wrongOption('reuseIds must be true or false', 'reuseIds')
  if (!['undefined', 'string', 'object', 'function'].includes(typeof actor) || actor === null || actor === '')
    throw wrongOption('actor must be a name, an actor, or a function', 'actor')
  return { store, ttl, touchAfter, actor, reuseIds }
}
