import assert from 'node:assert/strict'
import expressSession from 'express-session'

// biome-ignore-start lint/suspicious/noExplicitAny: a store of anybody's.
type Done = (error?: any, result?: any) => void

/** What express-session asks of a store; what is optional there is optional here. */
export interface StoreUnderTest {
  get(id: string, callback: Done): unknown
  set(id: string, session: any, callback?: Done): unknown
  destroy(id: string, callback?: Done): unknown
  touch?(id: string, session: any, callback?: Done): unknown
  all?(callback: Done): unknown
  length?: ((callback: Done) => unknown) | number
  clear?(callback?: Done): unknown
}
// biome-ignore-end lint/suspicious/noExplicitAny: the end of it.

export type Rule = readonly [name: string, run: (subject: Subject) => Promise<void>]
export type Session = { cookie: Record<string, unknown>; [key: string]: unknown }
export type Optional = 'touch' | 'all' | 'length' | 'clear'

/** Ends a test of what a store does not have. */
export const skipped = Symbol('not there')

interface Means {
  // biome-ignore-start lint/suspicious/noExplicitAny: whatever `create` made.
  reopen?(store: any): unknown
  directory?(store: any): string
  // biome-ignore-end lint/suspicious/noExplicitAny: the end of it.
}

/** A store on trial, by promises. */
export class Subject {
  store: StoreUnderTest
  readonly #means: Means

  constructor(means: Means, store: StoreUnderTest) {
    this.#means = means
    this.store = store
  }

  /** Ends the test where the store lacks a method. */
  needs(...methods: Optional[]): void {
    for (const method of methods) if (typeof this.store[method] !== 'function') throw skipped
  }

  /** Calls back with what the store answered, as a promise. */
  call(method: keyof StoreUnderTest, ...args: unknown[]): Promise<unknown> {
    const store = this.store as unknown as Record<string, (...args: unknown[]) => unknown>
    return new Promise((resolve, reject) => {
      const done: Done = (error, result) => (error ? reject(error) : resolve(result))
      store[method]!(...args, done)
    })
  }

  /** Undefined where there is none: stores answer with null, undefined, or an error of the code ENOENT. */
  async get(id: string): Promise<Session | undefined> {
    try {
      return ((await this.call('get', id)) as Session | null | undefined) ?? undefined
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined
      throw error
    }
  }

  async set(id: string, session: unknown): Promise<void> {
    await this.call('set', id, session)
  }

  async destroy(id: string): Promise<void> {
    await this.call('destroy', id)
  }

  async touch(id: string, session: unknown): Promise<void> {
    this.needs('touch')
    await this.call('touch', id, session)
  }

  /** The ids or the sessions of all that there are: how many. */
  async count(): Promise<number> {
    return Object.keys((await this.call('all')) as object).length
  }

  /** What is there, without its cookie. */
  async body(id: string): Promise<Record<string, unknown> | undefined> {
    const session = await this.get(id)
    return session && bodyOf(session)
  }

  async reopen(): Promise<void> {
    if (this.#means.reopen === undefined) throw skipped
    this.store = (await this.#means.reopen(this.store)) as StoreUnderTest
  }

  get directory(): string {
    if (this.#means.directory === undefined) throw skipped
    return this.#means.directory(this.store)
  }
}

/** What the application put there: some stores add times of their own. */
export function bodyOf(session: object): Record<string, unknown> {
  const { cookie, __lastAccess, lastModified, ...body } = session as Record<string, unknown>
  return body
}

/** A session as express-session hands it to a store; it lives for `ms`, or as long as the browser. */
export function session(body: object, ms: number | null = 60_000): Session {
  const options = ms === null ? {} : { maxAge: ms }
  const Cookie = expressSession.Cookie as unknown as new (options: object) => Record<string, unknown>
  return { cookie: new Cookie(options), ...body }
}

/** Such as it was at an earlier moment. */
export function asLoaded(session: unknown): Session {
  assert.ok(session, 'the session is not there')
  return session as Session
}

export function expiresOf(session: Session | undefined): number {
  return new Date(asLoaded(session).cookie.expires as string).getTime()
}

/** Until everything that a store may still do by itself in this moment is done. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setTimeout(resolve, 20))
}

/** The life of a session that a test waits for to expire, ms. */
export const SHORT_MS = 1000

/** Past the end of such a session, also where a store counts in whole seconds. */
export function pastShort(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, SHORT_MS + 1100))
}
