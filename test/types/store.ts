/**
 * Types, checked by `npm run check`: this file is compiled, never run. What must not compile stands under
 * `@ts-expect-error`, and compiling it would be an error.
 */
import type { Observable } from 'rxjs'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import type {
  Actor,
  Changes,
  CompactionReport,
  Immutable,
  JsonPatchOperation,
  Receipt,
  RecordedEvent,
  SessionlogErrorCode,
  SessionStore,
  StoreOptions,
  StoreStatus,
  VerifyReport,
} from '../../src/index.ts'
import {
  openStore,
  SessionlogError,
  SessionlogTypeError,
  toJsonPatch,
  VersionConflictError,
} from '../../src/index.ts'

interface Cart {
  items: { sku: string; tags: string[] }[]
  note?: string
  createdAt: Date
  counts: Map<string, { n: number }>
  seen: Set<string>
  bytes: Uint8Array
  total: bigint
}
declare const cart: Cart

export async function oneParameter() {
  const store = await openStore<Cart>({ dir: 'data' })
  expectTypeOf(store).toEqualTypeOf<SessionStore<Cart>>()
  expectTypeOf(await openStore({ dir: 'data' })).toEqualTypeOf<SessionStore<unknown>>()
  // @ts-expect-error there is one parameter only
  await openStore<Cart, string>({ dir: 'data' })
}

export async function reading(store: SessionStore<Cart>) {
  expectTypeOf(store.get('a')).toEqualTypeOf<Immutable<Cart> | undefined>()
  expectTypeOf(store.has('a')).toEqualTypeOf<boolean>()
  expectTypeOf(store.version('a')).toEqualTypeOf<number>()
  expectTypeOf(store.ids()).toEqualTypeOf<IterableIterator<string>>()
  expectTypeOf(store.size).toEqualTypeOf<number>()
  expectTypeOf(store.status).toEqualTypeOf<StoreStatus>()
  expectTypeOf(store.watch('a')).toEqualTypeOf<Observable<Immutable<Cart> | undefined>>()
  expectTypeOf(store.commits).toEqualTypeOf<Observable<readonly RecordedEvent[]>>()
  expectTypeOf(await store.stateAt('a', { version: 1 })).toEqualTypeOf<Immutable<Cart> | undefined>()
  expectTypeOf(store.history('a')).toExtend<AsyncIterable<RecordedEvent>>()
  expectTypeOf(store.events({ live: true })).toExtend<AsyncIterable<RecordedEvent>>()
  expectTypeOf(store.audit({ sessions: store.ids() })).toExtend<AsyncIterable<RecordedEvent>>()
  // @ts-expect-error times are numbers
  store.audit({ since: new Date() })

  const state = store.get('a')!
  // @ts-expect-error what get() hands out is read-only
  state.note = 'x'
  // @ts-expect-error all the way down
  state.items.push({ sku: 'x', tags: [] })
  // @ts-expect-error in objects in arrays
  state.items[0].sku = 'x'
  // @ts-expect-error in arrays in objects in arrays
  state.items[0].tags[0] = 'x'
  // @ts-expect-error in Maps
  state.counts.set('x', { n: 1 })
  // @ts-expect-error and what they hold
  state.counts.get('x').n = 2
  // @ts-expect-error in Sets
  state.seen.add('x')
  expectTypeOf(state.createdAt).toEqualTypeOf<Date>()
  expectTypeOf(state.total).toEqualTypeOf<bigint>()
}

export async function writing(store: SessionStore<Cart>) {
  expectTypeOf(store.save('a', cart)).toEqualTypeOf<Promise<Receipt>>()
  expectTypeOf(store.delete('a')).toEqualTypeOf<Promise<Receipt | undefined>>()
  expectTypeOf(store.touch('a', 1)).toEqualTypeOf<void>()
  expectTypeOf(store.saveAll([{ id: 'a', state: cart }])).toEqualTypeOf<Promise<Receipt[]>>()
  store.edit('a', draft => {
    expectTypeOf(draft).toEqualTypeOf<Cart>()
    draft.items.push({ sku: 'x', tags: [] })
    draft.counts.set('x', { n: 1 })
    draft.note = 'x'
  })
  store.edit('a', draft => ({ ...draft, note: 'new' }))
  store.saveAll([
    { id: 'a', state: cart, expectedVersion: 3 },
    { id: 'b', edit: draft => void draft.items.pop(), actor: 'ann' },
    { id: 'c', delete: true, type: 'cart-closed' },
  ])
  store.save('a', cart, {
    actor: 'ann',
    reason: 'r',
    type: 't',
    data: { any: 1 },
    expectedVersion: 'no_session',
  })

  // @ts-expect-error a state of another shape
  store.save('a', { items: [] })
  // @ts-expect-error an expectation that does not exist
  store.save('a', cart, { expectedVersion: 'none' })
  // @ts-expect-error an option that does not exist
  store.save('a', cart, { actr: 'ann' })
  // @ts-expect-error a time is a number
  store.save('a', cart, { occurredAt: new Date() })
  // @ts-expect-error a recipe answers with a state, or with nothing
  store.edit('a', () => 5)
  // @ts-expect-error an asynchronous recipe
  store.edit('a', async draft => draft)
  // @ts-expect-error an item deletes truly
  store.saveAll([{ id: 'a', delete: false }])
  // @ts-expect-error an item has something to do
  store.saveAll([{ id: 'a' }])
  // @ts-expect-error a point is a version or a time
  store.stateAt('a', {})
  // @ts-expect-error there are two clocks
  store.stateAt('a', { time: 1, by: 'mine' })
}

export async function keeping(store: SessionStore<Cart>) {
  expectTypeOf(store.compact({ full: true })).toEqualTypeOf<Promise<CompactionReport>>()
  expectTypeOf(store.verify()).toEqualTypeOf<Promise<VerifyReport>>()
  expectTypeOf(store.flush()).toEqualTypeOf<Promise<void>>()
  expectTypeOf(store.close()).toEqualTypeOf<Promise<void>>()
  expectTypeOf(store).toExtend<AsyncDisposable>()
}

export async function schemas() {
  const schema = z.object({ name: z.string(), count: z.number().default(1) })
  const store = await openStore({ dir: 'data', schema })
  expectTypeOf(store).toEqualTypeOf<SessionStore<{ name: string; count: number }>>()
  store.save('a', { name: 'x', count: 1 })
  // @ts-expect-error not what the schema gives
  store.save('a', { name: 5, count: 1 })
  // @ts-expect-error a schema of another type than the one named
  await openStore<Cart>({ dir: 'data', schema })
  await openStore<Cart>({
    dir: 'data',
    schemaVersion: 2,
    upcast: (_, version) => ({ ...cart, note: String(version) }),
  })
  // @ts-expect-error an upcaster makes today's shape
  await openStore<Cart>({ dir: 'data', schemaVersion: 2, upcast: () => ({ items: [] }) })
}

export async function wrongOptions() {
  // @ts-expect-error an option that does not exist
  await openStore({ directory: 'data' })
  // @ts-expect-error durability is one of two
  await openStore({ dir: 'data', durability: 'memory' })
  // @ts-expect-error a clock answers with a number
  await openStore({ dir: 'data', clock: () => new Date() })
  // @ts-expect-error a logger has all levels
  await openStore({ dir: 'data', logger: { info() {} } })
  const options: StoreOptions<Cart> = { dir: 'data', logger: console, clock: Date.now }
  await openStore(options)
}

export function events(event: RecordedEvent) {
  expectTypeOf(event.changes).toEqualTypeOf<Changes>()
  expectTypeOf(event.data).toEqualTypeOf<unknown>()
  expectTypeOf(event.actor).toEqualTypeOf<Actor | undefined>()
  // @ts-expect-error events are read-only
  event.version = 5
  for (const change of event.changes) {
    if (change.op === 'splice') expectTypeOf(change.insert).toEqualTypeOf<string | readonly unknown[]>()
  }
  expectTypeOf(toJsonPatch(event.changes, undefined).patch).toEqualTypeOf<JsonPatchOperation[]>()
}

export function errors(error: unknown) {
  if (error instanceof SessionlogError) expectTypeOf(error.code).toEqualTypeOf<SessionlogErrorCode>()
  if (error instanceof VersionConflictError) {
    expectTypeOf(error.actual).toEqualTypeOf<number>()
    expectTypeOf(error.expected).toEqualTypeOf<number | string>()
  }
  if (error instanceof SessionlogTypeError) expectTypeOf(error).toExtend<TypeError>()
}

export function immutability() {
  expectTypeOf<Immutable<string>>().toEqualTypeOf<string>()
  expectTypeOf<Immutable<string[]>>().toEqualTypeOf<readonly string[]>()
  expectTypeOf<Immutable<{ a: { b: number[] } }>>().toEqualTypeOf<{
    readonly a: { readonly b: readonly number[] }
  }>()
  expectTypeOf<Immutable<Map<string, { n: number }>>>().toEqualTypeOf<
    ReadonlyMap<string, { readonly n: number }>
  >()
  expectTypeOf<Immutable<[number, string[]]>>().toEqualTypeOf<readonly [number, readonly string[]]>()
  expectTypeOf<Immutable<Date>>().toEqualTypeOf<Date>()
  expectTypeOf<Immutable<unknown>>().toEqualTypeOf<unknown>()
}
