import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import { EventReader } from '../../src/event-reader.ts'
import { SessionStore } from '../../src/store.ts'
import { StoreReader } from '../../src/store-reader.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect, deferred } from '../support/outcome.ts'
import { create, directoryOf, reopen } from '../support/store.ts'

type Call = (store: SessionStore<number>) => unknown

/** Every method and property of a store that does something. */
const METHODS: [name: string, call: Call][] = [
  ['save()', store => store.save('a', 1)],
  ['save() with an event id', store => store.save('a', 1, { eventId: 'e' })],
  ['edit()', store => store.edit('a', n => n + 1)],
  ['delete()', store => store.delete('a')],
  ['saveAll()', store => store.saveAll([{ id: 'a', state: 1 }])],
  ['saveAll() of nothing', store => store.saveAll([])],
  ['fork()', store => store.fork('a', 'b', { version: 1 })],
  ['revert()', store => store.revert('a', { version: 1 })],
  ['touch()', store => store.touch('a', 1)],
  ['get()', store => store.get('a')],
  ['has()', store => store.has('a')],
  ['expiresAt()', store => store.expiresAt('a')],
  ['version()', store => store.version('a')],
  ['firstVersion()', store => store.firstVersion('a')],
  ['ids()', store => store.ids()],
  ['size', store => store.size],
  ['catchUp()', store => store.catchUp()],
  ['history()', store => store.history('a').next()],
  ['history() of nobody', store => store.history('nobody').next()],
  ['events()', store => store.events().next()],
  ['events() that follow', store => store.events({ live: true }).next()],
  ['audit()', store => store.audit().next()],
  ['audit() of sessions', store => store.audit({ sessions: ['a'] }).next()],
  ['audit() that follows', store => store.audit({ live: true }).next()],
  ['stateAt() a version', store => store.stateAt('a', { version: 1 })],
  ['stateAt() a time', store => store.stateAt('a', { time: 1 })],
  ['stateAt() a position', store => store.stateAt('a', { position: 1 })],
  ['diff()', store => store.diff('a', 0, 1)],
  ['bisect()', store => store.bisect('a', () => true)],
  ['replay()', store => store.replay('a')],
  ['checkReplay()', store => store.checkReplay('a', n => n)],
  ['lineage()', store => store.lineage('a')],
  ['blame()', store => store.blame('a')],
  ['blame() of a value', store => store.blame('a', '/x').next()],
  ['commits', store => store.commits],
  ['watch()', store => store.watch('a')],
  ['checkpoint()', store => store.checkpoint()],
  ['prove()', store => store.prove('a', 1)],
  ['proveConsistency()', store => store.proveConsistency(0)],
  ['exportBundle()', store => store.exportBundle('a', { file: 'never written' })],
  ['importBundle()', store => store.importBundle('never read')],
  ['backup()', store => store.backup('never written')],
  ['stats()', store => store.stats()],
  ['compact()', store => store.compact()],
  ['archive()', store => store.archive({ keepLast: 1 })],
  ['prune()', store => store.prune()],
  ['legalHold()', store => store.legalHold('a', true)],
  ['verify()', store => store.verify()],
  ['flush()', store => store.flush()],
]

test('The table of methods names every one there is', async () => {
  const store = await create({ db: new MemoryLevel() })
  const named = METHODS.map(([name]) => name.replace(/\(.*/, ''))
  const unaffected = ['constructor', 'status', 'role', 'health', 'origin', 'position', 'close']
  const inside = ['recorded', 'current', 'assertReadable']
  const prototypes = [SessionStore.prototype, StoreReader.prototype, EventReader.prototype]
  const own = new Set(prototypes.flatMap(each => Object.getOwnPropertyNames(each)))
  expect(new Set([...named, ...unaffected, ...inside])).toEqual(own)
  expect(Object.getPrototypeOf(store)).toBe(SessionStore.prototype)
})

describe('A closed store', () => {
  test.each(METHODS)('refuses %s', async (_, call) => {
    const store = await create<number>({ db: new MemoryLevel() })
    await store.save('a', 1)
    await store.close()
    expect(await codeOf(() => call(store))).toBe('SESSIONLOG_NOT_OPEN')
  })
})

describe('A store that is closing', () => {
  test.each(METHODS)('refuses %s', async (_, call) => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    const release = db.hold()
    store.save('a', 1)
    const closed = store.close()
    expect(store.status).toBe('closing')
    expect(await codeOf(() => call(store))).toBe('SESSIONLOG_NOT_OPEN')
    release()
    await closed
    expect(store.status).toBe('closed')
  })
})

describe('close()', () => {
  test('waits for what is under way: every save before it is durable', async () => {
    const store = await create<number>()
    const saves = Array.from({ length: 500 }, (_, n) => store.save('a', n))
    await store.close()
    const receipts = await Promise.all(saves)
    expect(receipts).toHaveLength(500)
    const again = await create<number>({ dir: directoryOf(store as never) })
    expect(again.version('a')).toBe(500)
  })

  test('is idempotent: it answers with the same promise each time', async () => {
    const store = await create()
    const closed = store.close()
    expect(store.close()).toBe(closed)
    await closed
    expect(store.close()).toBe(closed)
    expect(store[Symbol.asyncDispose]()).toBe(closed)
  })

  test('is what disposal does', async () => {
    const store = await create()
    await store[Symbol.asyncDispose]()
    expect(store.status).toBe('closed')
  })

  test('lets the directory be opened again at once', async () => {
    let store = await create<number>()
    for (let n = 1; n <= 5; n++) {
      expect(await store.save('a', n)).toMatchObject({ version: n })
      store = await reopen(store)
    }
  })

  test('completes watches and commits', async () => {
    const store = await create<number>()
    const ended: string[] = []
    store.watch('a').subscribe({ complete: () => ended.push(`watch, ${store.status}`) })
    store.commits.subscribe({ complete: () => ended.push(`commits, ${store.status}`) })
    await store.close()
    expect(ended.sort()).toEqual(['commits, closed', 'watch, closed'])
  })

  test('delivers the last commits before it completes', async () => {
    const store = await create<number>()
    const positions: number[] = []
    store.commits.subscribe(events => positions.push(...events.map(event => event.position)))
    for (let n = 0; n < 10; n++) store.save('a', n)
    await store.close()
    expect(positions).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('ends those who follow events, with all that there were', async () => {
    const store = await create<number>()
    const caughtUp = deferred()
    const positions: number[] = []
    const following = (async () => {
      for await (const { position } of store.events({ live: true })) {
        positions.push(position)
        if (position === 3) caughtUp.resolve()
      }
    })()
    for (let n = 0; n < 3; n++) store.save('a', n)
    await caughtUp.promise
    await store.close()
    await following
    expect(positions).toEqual([1, 2, 3])
  })

  test('lets a reader in mid-way fail with a code of ours', async () => {
    const store = await create<string>()
    // Too much to be read at once.
    for (let n = 0; n < 10; n++) await store.save('a', `${n}`.repeat(5_000))
    const history = store.history('a')
    const events = store.events()
    const audit = store.audit({ sessions: ['a'] })
    await Promise.all([history.next(), events.next(), audit.next()])
    await store.close()
    for (const reader of [history, events, audit]) {
      expect(await codeOf(() => collect(reader))).toBe('SESSIONLOG_NOT_OPEN')
    }
  })

  test('interrupts a verify that is under way', async () => {
    const store = await create<number>()
    for (let n = 0; n < 10; n++) store.save('a', n)
    const verified = codeOf(() => store.verify())
    await store.close()
    expect(await verified).toBe('SESSIONLOG_NOT_OPEN')
  })

  test('interrupts a compaction that is under way, and the next run finishes it', async () => {
    const store = await create<number>()
    await store.saveAll(Array.from({ length: 1_000 }, (_, n) => ({ id: `s${n}`, state: n })))
    const compacted = codeOf(() => store.compact())
    await store.close()
    expect(await compacted).toBe('SESSIONLOG_NOT_OPEN')
    const again = await create<number>({ dir: directoryOf(store as never) })
    await again.compact()
    expect(await again.verify()).toMatchObject({ ok: true, bases: 1_000, snapshots: 1_000 })
  })
})

test('status is open while the store is', async () => {
  const store = await create({ db: new MemoryLevel() })
  expect(store.status).toBe('open')
})
