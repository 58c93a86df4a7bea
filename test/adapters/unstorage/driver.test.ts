import fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { createStorage, type Driver, type Storage } from 'unstorage'
import memory from 'unstorage/drivers/memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import sessionlog, {
  type SessionlogDriverOptions,
  sessionlogDriver,
} from '../../../src/adapters/unstorage.ts'
import type { SessionStore } from '../../../src/index.ts'
import { inChild } from '../../support/child.ts'
import { killAfter } from '../../support/killed-module.ts'
import { codeOf, collect } from '../../support/outcome.ts'
import { create, directoryOf, reopen, temporary } from '../../support/store.ts'

async function open(options: Omit<SessionlogDriverOptions, 'store' | 'dir'> = {}) {
  const store = await create<unknown>()
  const storage: Storage = createStorage({ driver: sessionlogDriver({ store, ...options }) })
  return { store, storage }
}

test('it is a driver by its types, and the default export, as configurations name drivers', () => {
  sessionlogDriver satisfies (options: SessionlogDriverOptions) => Driver
  expect(sessionlog).toBe(sessionlogDriver)
})

describe('what unstorage asks of every driver', () => {
  test('an empty storage has nothing, and can be cleared', async () => {
    const { store, storage } = await open()
    expect(await storage.hasItem('s1:a')).toBe(false)
    expect(await storage.getItem('s1:a')).toBe(null)
    expect(await storage.getItemRaw('s1:a')).toBe(null)
    expect(await storage.getMeta('s1:a')).toEqual({})
    expect(await storage.getKeys()).toEqual([])
    await storage.removeItem('s1:a')
    await storage.clear()
    expect(store.position).toBe(0)
  })

  test('keys lose their query, and are found by base and depth', async () => {
    const { storage } = await open()
    const keys = ['top', 'a:one', 'a:b:two', 'a:b:three?q=1', 'ab']
    for (const key of keys) await storage.setItem(key, key)
    expect(await storage.getItem('a/b/three?q=2')).toBe('a:b:three?q=1')
    const found = async (base?: string, maxDepth?: number) => {
      const options = maxDepth === undefined ? {} : { maxDepth }
      return (await storage.getKeys(base, options)).sort()
    }
    expect(await found()).toEqual(['a:b:three', 'a:b:two', 'a:one', 'ab', 'top'])
    expect(await found('a')).toEqual(['a:b:three', 'a:b:two', 'a:one'])
    expect(await found(undefined, 0)).toEqual(['ab', 'top'])
    expect(await found(undefined, 1)).toEqual(['a:one', 'ab', 'top'])
    const { driver } = storage.getMount()
    expect(await driver.getKeys('a:b:', {})).toEqual(['a:b:two', 'a:b:three'])
    await driver.clear!('a', {})
    expect(await found()).toEqual(['ab', 'top'])
  })

  test('many are set at once, and got at once', async () => {
    const { store, storage } = await open()
    const items = ['one', 'two', 'three'].map(key => ({ key, value: { key } }))
    await storage.setItems(items)
    expect(await storage.getItems(['one', { key: 'three' }, 'four'])).toEqual([
      { key: 'one', value: { key: 'one' } },
      { key: 'three', value: { key: 'three' } },
      { key: 'four', value: null },
    ])
    const events = await collect(store.events())
    expect(new Set(events.map(event => event.recordedAt)).size).toBe(1)
  })

  test('what has toJSON() is that; what cannot be text is refused', async () => {
    const { storage } = await open()
    await storage.setItem('text', { toJSON: () => 'x' })
    await storage.setItem('date', new Date(0) as never)
    expect(await storage.getItem('date')).toBe('1970-01-01T00:00:00.000Z')
    class Odd {}
    await expect(storage.setItem('odd', new Odd())).rejects.toThrow('Cannot stringify')
    expect(await storage.getKeys()).not.toContain('odd')
  })

  test('raw bytes of any kind come back as they were when they were set', async () => {
    const { storage } = await open()
    const bytes = new Uint8Array([0, 1, 2, 255])
    const buffer = bytes.buffer.slice(1)
    const saved = [
      storage.setItemRaw('a', bytes),
      storage.setItemRaw('b', buffer),
      storage.setItemRaw('c', new DataView(bytes.buffer, 2)),
      storage.setItemRaw('d', Buffer.from('text')),
    ]
    bytes.fill(9)
    new Uint8Array(buffer).fill(9)
    await Promise.all(saved)
    expect([...(await storage.getItemRaw('a'))]).toEqual([0, 1, 2, 255])
    expect([...(await storage.getItemRaw('b'))]).toEqual([1, 2, 255])
    expect([...(await storage.getItemRaw('c'))]).toEqual([2, 255])
    expect((await storage.getItemRaw('d')).toString()).toBe('text')
    expect(await codeOf(() => storage.setItemRaw('e', { of: 'what' }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })

  test('meta that is set stands beside what the log knows', async () => {
    const { storage } = await open({ actor: 'app' })
    await storage.setItem('a', 1)
    await storage.setItem('a', 2, { actor: 'ada', reason: 'why not' })
    await storage.setMeta('a', { colour: 'green' })
    const meta = await storage.getMeta('a')
    expect(meta).toMatchObject({ version: 2, actor: 'ada', reason: 'why not', colour: 'green' })
    expect(meta.mtime).toBeInstanceOf(Date)
    expect(await storage.getKeys()).toEqual(['a'])
    await storage.removeItem('a', { removeMeta: true })
    expect(await storage.getMeta('a')).toEqual({})
  })
})

describe('as the memory driver does', () => {
  const key = fc.constantFrom('a', 'a:b', 'a:b:c', 'ab', '__proto__', 'ü')
  const text = fc.oneof(
    fc.constantFrom(
      '',
      '1',
      '"1"',
      'null',
      'true',
      '{',
      '{"a": 1}',
      '{"2":1,"1":2}',
      '{"1":2,"2":1}',
      '[-0]',
    ),
    fc.constantFrom(
      '{"a":1,"a":2}',
      '{"__proto__":{"x":1}}',
      '[1e400]',
      '[1.0]',
      '"\ud800"',
      '["\\ud800"]',
      ' [1]',
    ),
    fc.jsonValue().map(value => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
  )
  const value = fc.oneof(text, fc.jsonValue(), fc.constantFrom(0, false, -0, Number.NaN, undefined, null))
  const raw = fc.oneof(
    text,
    fc.uint8Array({ maxLength: 9 }).map(bytes => Buffer.from(bytes)),
  )
  const operations = fc.array(
    fc.oneof(
      { arbitrary: fc.tuple(fc.constant('setItem' as const), key, value), weight: 4 },
      fc.tuple(fc.constant('setItemRaw' as const), key, raw),
      fc.tuple(fc.constant('removeItem' as const), key),
      fc.tuple(fc.constant('clear' as const), fc.constantFrom('', 'a', 'a:b')),
      fc.tuple(
        fc.constant('setItems' as const),
        fc.array(fc.record({ key, value: fc.jsonValue() }), { maxLength: 3 }),
      ),
      fc.tuple(fc.constant('reopen' as const)),
    ),
    { maxLength: 12 },
  )

  async function contents(storage: Storage): Promise<unknown> {
    const keys = (await storage.getKeys()).sort()
    const byBase = (await storage.getKeys('a')).sort()
    const items = []
    for (const key of [...keys, 'none'])
      items.push([await storage.getItem(key), await storage.getItemRaw(key), await storage.hasItem(key)])
    return { keys, byBase, items }
  }

  test('any operations leave the same items, to the last character, also once reopened', async () => {
    let store = await create<unknown>()
    await fc.assert(
      fc.asyncProperty(operations, async list => {
        const model: Storage = createStorage({ driver: memory() })
        let storage: Storage = createStorage({ driver: sessionlogDriver({ store, base: 'items' }) })
        await storage.clear()
        for (const [name, ...args] of list) {
          if (name === 'reopen') {
            store = await reopen(store)
            storage = createStorage({ driver: sessionlogDriver({ store, base: 'items' }) })
          } else {
            for (const each of [model, storage])
              await (each[name] as (...args: unknown[]) => Promise<void>)(...args)
          }
          expect(await contents(storage)).toStrictEqual(await contents(model))
        }
      }),
      { numRuns: 150 },
    )
    expect((await store.verify()).problems).toEqual([])
  })
})

test('the log has which member changed, and who did it', async () => {
  const { store, storage } = await open({ actor: key => `owner of ${key}` })
  await storage.setItem('cart', { items: ['tea'], user: { name: 'Ada' } })
  await storage.setItem(
    'cart',
    { items: ['tea'], user: { name: 'Bob' } },
    { actor: 'bob', reason: 'renamed' },
  )
  await storage.removeItem('cart', { actor: 'eve' } as never)
  const events = await collect(store.history('cart'))
  expect(events.map(event => event.actor)).toEqual(['owner of cart', 'bob', 'eve'])
  expect(events[1]).toMatchObject({ reason: 'renamed' })
  expect(events[1]!.changes).toMatchObject([{ path: '/user/name' }])
})

test('an item lives for its ttl, and one that is set without lives on', async () => {
  let skew = 0
  const store = await create<unknown>({ clock: () => Date.now() + skew })
  const storage: Storage = createStorage({ driver: sessionlogDriver({ store, ttl: 1000 }) })
  const removed: string[] = []
  await storage.watch((event, key) => event === 'remove' && removed.push(key))
  await storage.setItem('default', 1)
  await storage.setItem('short', 1, { ttl: 10 })
  await storage.setItem('kept', 1, { ttl: 10 })
  await storage.setItem('kept', 2, { ttl: 0 })
  await storage.setItems([{ key: 'batch', value: 1 }], { ttl: 10 })
  await storage.setItemRaw('raw', 'x', { ttl: 10 })
  const { ttl } = await storage.getMeta('short')
  expect(ttl).toBeGreaterThan(0)
  expect(ttl).toBeLessThanOrEqual(10)
  expect((await storage.getMeta('kept')).ttl).toBeUndefined()
  skew = 11_000
  expect((await storage.getKeys()).sort()).toEqual(['default', 'kept'])
  expect(await storage.hasItem('short')).toBe(false)
  await store.flush()
  expect(removed.sort()).toEqual(['batch', 'raw', 'short'])
  skew = 1_001_000
  expect(await storage.getKeys()).toEqual(['kept'])
  expect((await collect(store.history('short'))).map(event => event.type)).toEqual(['saved', '$expired'])
})

describe('watch', () => {
  test('tells of each change once, in order, and of nothing once it has ended', async () => {
    const { store, storage } = await open({ base: 'items' })
    const told: string[] = []
    const unwatch = await storage.watch((event, key) => void told.push(`${event} ${key}`))
    await storage.setItem('a', 1)
    await storage.setItem('b', { x: 1 })
    await store.save('elsewhere', 1)
    await store.legalHold('items:a', true)
    await storage.removeItem('a')
    await storage.setItems([{ key: 'c', value: 1 }])
    await storage.clear()
    const all = ['update a', 'update b', 'remove a', 'update c', 'remove b', 'remove c']
    expect(told).toEqual(all)
    await unwatch()
    await storage.setItem('a', 1)
    expect(told).toEqual(all)
  })

  test('tells of what another process does', async () => {
    const { store, storage } = await open()
    const told: string[] = []
    await storage.watch((event, key) => void told.push(`${event} ${key}`))
    const { code, stderr } = await inChild(`${CHILD(directoryOf(store as SessionStore<never>))}
      const told = []
      await storage.watch((event, key) => told.push(event + ' ' + key))
      await storage.setItem('a', { by: 'child' }, { actor: 'child' })
      await storage.removeItem('a')
      if (told.join() !== 'update a,remove a') throw new Error(told.join())
      await storage.setItem('b', 'x')
      await storage.dispose()`)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(told).toEqual(['update a', 'remove a', 'update b'])
    expect(await storage.getItem('b')).toBe('x')
    expect(await storage.getMeta('b')).toMatchObject({ version: 1 })
  })
})

test('a follower that has not heard yet has what was acknowledged', async () => {
  const { store, storage } = await open()
  const follower = await create<unknown>({ dir: directoryOf(store as SessionStore<never>), role: 'follower' })
  const followed: Storage = createStorage({ driver: sessionlogDriver({ store: follower }) })
  await storage.setItem('a', 1)
  expect(follower.has('a')).toBe(false)
  expect(await followed.getItem('a')).toBe(1)
  await storage.setItem('b', 1)
  expect(await followed.hasItem('b')).toBe(true)
  await storage.setItem('c', 1)
  expect(await followed.getKeys()).toEqual(['a', 'b', 'c'])
  await storage.setItem('d', 1)
  expect(await followed.getMeta('d')).toMatchObject({ version: 1 })
  await storage.setItem('e', 1)
  await followed.clear()
  expect(await storage.getKeys()).toEqual([])
})

test('the driver opens a directory of its own, and lets go of it', async () => {
  const dir = temporary()
  const storage: Storage = createStorage({ driver: sessionlogDriver({ dir, base: 'x:' }) })
  onTestFinished(() => storage.dispose())
  await storage.setItem('a', { kept: true })
  await storage.watch(() => {})
  await storage.dispose()
  await storage.dispose()
  expect(await codeOf(() => storage.getItem('a'))).toBe('SESSIONLOG_NOT_OPEN')
  const store = await create<unknown>({ dir, role: 'owner' })
  expect(store.get('x:a')).toEqual({ kept: true })
})

test('what could not be opened can be tried again', async () => {
  const dir = temporary()
  const other = await create<unknown>({ dir, share: false })
  const storage: Storage = createStorage({ driver: sessionlogDriver({ dir }) })
  onTestFinished(() => storage.dispose())
  expect(await codeOf(() => storage.setItem('a', 1))).toBe('SESSIONLOG_LOCKED')
  await other.close()
  await storage.setItem('a', 1)
  expect(await storage.getItem('a')).toBe(1)
})

test('a store of a database will do', async () => {
  const storage: Storage = createStorage({
    driver: sessionlogDriver({ store: await create<unknown>({ db: new MemoryLevel() }) }),
  })
  await storage.setItem('a', 1)
  expect(await storage.getItem('a')).toBe(1)
  expect(await storage.getMeta('a')).toMatchObject({ version: 1 })
})

test('a store that was given stays open', async () => {
  const { store, storage } = await open()
  const told: string[] = []
  await storage.watch((_, key) => void told.push(key))
  await storage.setItem('a', 1)
  await storage.dispose()
  await store.save('b', 'x')
  expect(store.status).toBe('open')
  expect(told).toEqual(['a'])
})

test.each([
  [{}, 'store'],
  [{ store: {} }, 'store'],
  [{ dir: 'x', ttl: -1 }, 'ttl'],
  [{ dir: 'x', tll: 1 }, 'tll'],
])('wrong options are refused: %j', (options, path) => {
  expect(() => sessionlogDriver(options as never)).toThrow(
    expect.objectContaining({ code: 'SESSIONLOG_INVALID_ARGUMENT', path }),
  )
})

const CHILD = (dir: string) => `
  import { createStorage } from 'unstorage'
  import { sessionlogDriver } from '/src/adapters/unstorage.ts'
  const storage = createStorage({ driver: sessionlogDriver({ dir: ${JSON.stringify(dir)} }) })
`

test('a process that is killed leaves every item that was acknowledged', async () => {
  const dir = temporary()
  const printed = await killAfter<{ n: number }>(
    25,
    `${CHILD(dir)}
    for (let n = 0; ; n++) {
      await storage.setItem('item:' + n, { n }, { actor: 'child' })
      await storage.setItem('last', n)
      console.log(JSON.stringify({ n }))
    }`,
  )
  const store = await create<unknown>({ dir })
  const storage: Storage = createStorage({ driver: sessionlogDriver({ store }) })
  const last = printed.at(-1)!.n
  for (let n = 0; n <= last; n++) expect(await storage.getItem(`item:${n}`)).toEqual({ n })
  expect(await storage.getItem('last')).toBeGreaterThanOrEqual(last)
  expect(await storage.getMeta('item:0')).toMatchObject({ actor: 'child' })
  expect((await store.verify()).problems).toEqual([])
})
