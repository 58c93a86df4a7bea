import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import { openStore, type SessionStore } from '../../src/index.ts'
import { failureOf } from '../support/outcome.ts'
import { create } from '../support/store.ts'

type Call = (store: SessionStore<unknown>) => unknown
const wrong = (value: unknown) => value as never

describe('A wrong argument is a TypeError with a code and the path of what is wrong', () => {
  test.each<[string, string, Call]>([
    ['options that are no object', 'options', store => store.save('a', 1, wrong(5))],
    ['options that are null', 'options', store => store.save('a', 1, wrong(null))],
    ['an option that does not exist', 'actr', store => store.save('a', 1, wrong({ actr: 'ann' }))],
    ['an actor that is no string', 'actor', store => store.save('a', 1, wrong({ actor: 5 }))],
    ['a reason that is no string', 'reason', store => store.save('a', 1, wrong({ reason: {} }))],
    ['a type that is no string', 'type', store => store.save('a', 1, wrong({ type: 5 }))],
    ['an empty type', 'type', store => store.save('a', 1, { type: '' })],
    ["a type of the store's own", 'type', store => store.save('a', 1, { type: '$expired' })],
    ['an event id that is empty', 'eventId', store => store.save('a', 1, { eventId: '' })],
    ['an event id that is ill-formed', 'eventId', store => store.save('a', 1, { eventId: '\ud800' })],
    [
      'a correlation id that is no string',
      'correlationId',
      store => store.save('a', 1, wrong({ correlationId: 1 })),
    ],
    [
      'a causation id that is no string',
      'causationId',
      store => store.save('a', 1, wrong({ causationId: 1 })),
    ],
    ['a negative expected version', 'expectedVersion', store => store.save('a', 1, { expectedVersion: -1 })],
    [
      'a fraction as expected version',
      'expectedVersion',
      store => store.save('a', 1, { expectedVersion: 1.5 }),
    ],
    [
      'an unknown expectation',
      'expectedVersion',
      store => store.save('a', 1, wrong({ expectedVersion: 'none' })),
    ],
    [
      'an expectation of null',
      'expectedVersion',
      store => store.save('a', 1, wrong({ expectedVersion: null })),
    ],
    [
      'an occurredAt that is a Date',
      'occurredAt',
      store => store.save('a', 1, wrong({ occurredAt: new Date() })),
    ],
    ['an infinite occurredAt', 'occurredAt', store => store.save('a', 1, { occurredAt: Infinity })],
    ['an expiresAt that is NaN', 'expiresAt', store => store.save('a', 1, { expiresAt: Number.NaN })],
    ['an expiresAt that is a Date', 'expiresAt', store => store.touch('a', wrong(new Date()))],
    ['a recipe that is no function', 'edit', store => store.edit('a', wrong({}))],
    ['a batch that is no array', 'items', store => store.saveAll(wrong({}))],
    ['a batch with null', 'items/1', store => store.saveAll([{ id: 'a', state: 1 }, wrong(null)])],
    ['an item with nothing to do', 'items/0', store => store.saveAll([wrong({ id: 'a' })])],
    [
      'an item with two things to do',
      'items/0',
      store => store.saveAll([wrong({ id: 'a', state: 1, delete: true })]),
    ],
    [
      'an item that deletes falsely',
      'items/0/delete',
      store => store.saveAll([wrong({ id: 'a', delete: false })]),
    ],
    ['an item whose recipe is none', 'items/0/edit', store => store.saveAll([wrong({ id: 'a', edit: 5 })])],
    [
      'an item with an unknown option',
      'actr',
      store => store.saveAll([wrong({ id: 'a', state: 1, actr: 'x' })]),
    ],
    ['an item with a bad id', 'items/0/id', store => store.saveAll([{ id: '', state: 1 }])],
    ['a from that is negative', 'from', store => store.history('a', { from: -1 }).next()],
    ['a to that is a fraction', 'to', store => store.history('a', { to: 1.5 }).next()],
    ['a reverse that is no boolean', 'reverse', store => store.history('a', wrong({ reverse: 1 })).next()],
    [
      'an unknown option of history()',
      'reversed',
      store => store.history('a', wrong({ reversed: true })).next(),
    ],
    ['a signal that is none', 'signal', store => store.history('a', wrong({ signal: {} })).next()],
    ['an after that is no integer', 'after', store => store.events(wrong({ after: '5' })).next()],
    ['a live that is no boolean', 'live', store => store.events(wrong({ live: 'yes' })).next()],
    ['an actor to audit that is none', 'actor', store => store.audit(wrong({ actor: 5 })).next()],
    ['actors that are none', 'actor/1', store => store.audit(wrong({ actor: ['ann', null] })).next()],
    ['a type to audit that is none', 'type/0', store => store.audit(wrong({ type: [undefined] })).next()],
    ['a path that is no pointer', 'path', store => store.audit({ path: 'cart' }).next()],
    ['a since that is a Date', 'since', store => store.audit(wrong({ since: new Date() })).next()],
    ['an until that is NaN', 'until', store => store.audit({ until: Number.NaN }).next()],
    ['sessions that are one id', 'sessions', store => store.audit({ sessions: 'a' }).next()],
    ['sessions that are no ids', 'sessions/1', store => store.audit({ sessions: ['a', ''] }).next()],
    ['an after of audit() below 0', 'after', store => store.audit({ after: -1 }).next()],
    ['a live of audit() that is none', 'live', store => store.audit(wrong({ live: 1 })).next()],
    ['an unknown option of audit()', 'who', store => store.audit(wrong({ who: 'ann' })).next()],
    ['a point without version and time', 'version', store => store.stateAt('a', wrong({}))],
    ['a point with both', 'version', store => store.stateAt('a', { version: 1, time: 1 } as never)],
    ['a point that is no object', 'options', store => store.stateAt('a', wrong(1))],
    ['a version that is no integer', 'version', store => store.stateAt('a', { version: 0.5 })],
    ['a time that is a Date', 'time', store => store.stateAt('a', wrong({ time: new Date() }))],
    ['a time that is NaN', 'time', store => store.stateAt('a', { time: Number.NaN })],
    ['a clock that does not exist', 'by', store => store.stateAt('a', wrong({ time: 1, by: 'mine' }))],
    ['an unknown option of compact()', 'all', store => store.compact(wrong({ all: true }))],
    ['an unknown option of verify()', 'deep', store => store.verify(wrong({ deep: true }))],
  ])('%s', async (_, path, call) => {
    const store = await create({ db: new MemoryLevel() })
    await store.save('a', { n: 1 })
    const failure = await failureOf(() => call(store))
    expect(failure).toBeInstanceOf(TypeError)
    expect(failure).toMatchObject({ code: 'SESSIONLOG_INVALID_ARGUMENT', path })
    expect([store.get('a'), store.version('a')]).toEqual([{ n: 1 }, 1])
  })

  test.each<[string, string, object]>([
    ['no options', '', wrong(undefined)],
    ['neither dir nor db', 'dir', {}],
    ['both dir and db', 'dir', { dir: 'x', db: new MemoryLevel() }],
    ['an empty dir', 'dir', { dir: '' }],
    ['a dir with a NUL', 'dir', { dir: 'a\0b' }],
    ['a dir that is no string', 'dir', { dir: 5 }],
    ['a db that is none', 'db', { db: {} }],
    ['a db that is null', 'db', { db: null }],
    ['an unknown option', 'directory', { db: new MemoryLevel(), directory: 'x' }],
    ['a clock that is no function', 'clock', { db: new MemoryLevel(), clock: 5 }],
    ['an upcast that is no function', 'upcast', { db: new MemoryLevel(), upcast: {} }],
    ['a schema that is none', 'schema', { db: new MemoryLevel(), schema: { parse: () => {} } }],
    ['a negative schema version', 'schemaVersion', { db: new MemoryLevel(), schemaVersion: -1 }],
    ['a logger that lacks a level', 'logger/info', { db: new MemoryLevel(), logger: { debug() {} } }],
    ['a logger that is null', 'logger/debug', { db: new MemoryLevel(), logger: null }],
    ['an unknown durability', 'durability', { db: new MemoryLevel(), durability: 'maybe' }],
    ['a sync interval of 0', 'syncIntervalMs', { db: new MemoryLevel(), syncIntervalMs: 0 }],
    ['a pendingBytesMax of 0', 'pendingBytesMax', { db: new MemoryLevel(), pendingBytesMax: 0 }],
    ['a compactEvery that is negative', 'compactEvery', { db: new MemoryLevel(), compactEvery: -1 }],
    ['a skipUnchanged that is no boolean', 'skipUnchanged', { db: new MemoryLevel(), skipUnchanged: 1 }],
    ['a requireActor that is no boolean', 'requireActor', { db: new MemoryLevel(), requireActor: 'yes' }],
    ['a rebuild that is no boolean', 'rebuild', { db: new MemoryLevel(), rebuild: 1 }],
    ['an onProgress that is no function', 'onProgress', { db: new MemoryLevel(), onProgress: 1 }],
  ])('of openStore(): %s', async (_, path, options) => {
    const failure = await failureOf(() => openStore(options as never))
    expect(failure).toBeInstanceOf(TypeError)
    expect(failure).toMatchObject({ code: 'SESSIONLOG_INVALID_ARGUMENT', path })
  })
})

test('An option that is undefined is one that is not given', async () => {
  const store = await create({ db: new MemoryLevel(), clock: undefined, schema: undefined } as never)
  await store.save('a', 1, { actor: undefined, expectedVersion: undefined, occurredAt: undefined } as never)
  expect(store.get('a')).toBe(1)
})

test('An interval that is longer than a timer can wait does not become none', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  const store = await create({
    db: new MemoryLevel(),
    compactEvery: 2 ** 31,
    durability: 'buffered',
    syncIntervalMs: Number.MAX_SAFE_INTEGER,
  })
  await store.save('a', 1)
  await store.close()
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', note)
  expect(warnings.filter(warning => warning.name === 'TimeoutOverflowWarning')).toEqual([])
})
