import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstValueFrom, skip } from 'rxjs'
import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { decodeBase } from '../../src/log/base.ts'
import { snapshotPath } from '../../src/snapshot/snapshot.ts'
import { Chance } from '../support/chance.ts'
import { ObservedLevel, type Write } from '../support/observed-level.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { RecordingLogger } from '../support/recording-logger.ts'
import { everything } from '../support/states.ts'
import { create, directoryOf, reopen, TestClock } from '../support/store.ts'

const folderOf = (store: SessionStore<never>) => join(directoryOf(store), 'sessions_v3')
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** Resolves when a write happens that is the one waited for. */
function onWrite(db: ObservedLevel, isIt: (write: Write) => boolean): Promise<void> {
  return new Promise(resolve => {
    const { push } = db.writes
    db.writes.push = (...writes) => {
      if (writes.some(isIt)) {
        db.writes.push = push
        resolve()
      }
      return push.apply(db.writes, writes)
    }
  })
}

const pathOf = (store: unknown, id: string) => snapshotPath(folderOf(store as SessionStore<never>), id)
const snapshotOf = (store: unknown, id: string) => JSON.parse(readFileSync(pathOf(store, id), 'utf8'))

describe('compact()', () => {
  test('writes no base of a session whose first save is not acknowledged yet', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    await store.save('a', 1)
    await store.compact()
    const begun = onWrite(db, ({ puts }) => puts.has('mfrontier')).then(() => store.save('new', 1))
    await store.compact({ full: true })
    await begun
    expect(
      [...db.writes.flatMap(({ puts }) => [...puts.keys()])].filter(key => key.startsWith('bnew')),
    ).toEqual([])
    expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
    expect((await reopen(store)).get('new')).toBe(1)
  })

  test('waits where another compaction is under way, unless it is told not to', async () => {
    const store = await create<number>()
    for (let n = 0; n < 10; n++) store.save(`s${n}`, n)
    const first = store.compact()
    expect(await codeOf(() => store.compact({ wait: false }))).toBe('SESSIONLOG_COMPACTION_RUNNING')
    const [one, other] = await Promise.all([first, store.compact()])
    expect([one.sessions, other.sessions]).toEqual([10, 0])
    expect(await store.compact({ wait: false })).toMatchObject({ sessions: 0 })
    expect(await codeOf(() => store.compact({ wait: 1 as never }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })

  test('brings bases and snapshots up to date for what changed since the last time', async () => {
    const store = await create<number>()
    for (let n = 0; n < 10; n++) store.save(`s${n}`, n)
    expect(await store.compact()).toMatchObject({
      sessions: 10,
      events: 10,
      snapshotsWritten: 10,
      snapshotsRemoved: 0,
      position: 10,
      problems: [],
    })
    expect(await store.compact()).toMatchObject({ sessions: 0, events: 0, snapshotsWritten: 0, position: 10 })
    await store.save('s3', 33)
    await store.save('new', 1)
    const untouched = statSync(pathOf(store, 's4'), { bigint: true }).mtimeNs
    expect(await store.compact()).toMatchObject({ sessions: 2, events: 2, snapshotsWritten: 2, position: 12 })
    expect(snapshotOf(store, 's3')).toMatchObject({ version: 2, position: 11, state: 33 })
    expect(statSync(pathOf(store, 's4'), { bigint: true }).mtimeNs).toBe(untouched)
  })

  test('writes snapshots that say what they are, indented, keys in the order of the state', async () => {
    const clock = new TestClock()
    const store = await create<object>({ clock: clock.read })
    const receipt = await store.save(
      'a',
      { z: 1, a: [{ y: 1, b: 2 }], 5: 'index' },
      { expiresAt: clock.now + 1e6 },
    )
    await store.compact()
    const text = readFileSync(pathOf(store, 'a'), 'utf8')
    expect(JSON.parse(text)).toEqual({
      format: 1,
      origin: store.origin,
      sessionId: 'a',
      version: 1,
      position: 1,
      recordedAt: receipt.recordedAt,
      hash: receipt.hash,
      expiresAt: clock.now + 1e6,
      state: { 5: 'index', z: 1, a: [{ y: 1, b: 2 }] },
    })
    expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`)
    expect(Object.keys(JSON.parse(text)).slice(0, 3)).toEqual(['format', 'origin', 'sessionId'])
    expect(Object.keys(JSON.parse(text).state)).toEqual(['5', 'z', 'a'])
  })

  test("removes a deleted session's file, and brings one back", async () => {
    const store = await create<number>()
    await store.save('a', 1)
    await store.compact()
    await store.delete('a')
    expect(await store.compact()).toMatchObject({ snapshotsWritten: 0, snapshotsRemoved: 1 })
    expect(existsSync(pathOf(store, 'a'))).toBe(false)
    await store.save('a', 2)
    await store.compact()
    expect(snapshotOf(store, 'a')).toMatchObject({ version: 3, state: 2 })
  })

  test('leaves no temporary file behind', async () => {
    const store = await create<number>()
    for (let n = 0; n < 100; n++) store.save(`s${n}`, n)
    await store.compact()
    expect(readdirSync(folderOf(store as never)).filter(name => !name.endsWith('.json'))).toEqual([])
  })

  test('loses no event and no version, however often it runs', async () => {
    const chance = new Chance(3)
    let store = await create<unknown>()
    const expected = new Map<string, unknown[]>()
    for (let round = 0; round < 12; round++) {
      for (let n = chance.below(30); n >= 0; n--) {
        const id = `s${chance.below(4)}`
        const state = chance.once(5)
          ? everything()
          : { round, n, list: Array.from({ length: chance.below(50) }, () => n) }
        expected.set(id, [...(expected.get(id) ?? [undefined]), state])
        const saved = store.save(id, state)
        if (chance.once(4)) await saved
      }
      await store.compact()
      if (chance.once(3)) store = await reopen(store, { rebuild: chance.once(2) })
    }
    for (const [id, states] of expected) {
      expect(store.version(id)).toBe(states.length - 1)
      expect(await collect(store.history(id))).toHaveLength(states.length - 1)
      for (const [version, state] of states.entries()) {
        expect(await store.stateAt(id, { version })).toEqual(state)
      }
    }
    expect(await store.verify()).toMatchObject({ ok: true })
  })

  test('writes all snapshots again where asked for it in full', async () => {
    const store = await create<number>()
    for (let n = 0; n < 200; n++) store.save(`s${n}`, n)
    await store.save('gone', 1)
    await store.delete('gone')
    await store.compact()
    rmSync(pathOf(store, 's3'))
    expect(await store.compact()).toMatchObject({ snapshotsWritten: 0 })
    expect(existsSync(pathOf(store, 's3'))).toBe(false)
    expect(await store.compact({ full: true })).toMatchObject({ sessions: 0, snapshotsWritten: 200 })
    expect(snapshotOf(store, 's3')).toMatchObject({ state: 3 })
    expect(existsSync(pathOf(store, 'gone'))).toBe(false)
  })

  test('called many times at once runs one after the other', async () => {
    const store = await create<number>()
    const reports = []
    for (let n = 0; n < 20; n++) {
      store.save(`s${n % 3}`, n)
      reports.push(store.compact({ full: n % 7 === 0 }))
    }
    const done = await Promise.all(reports)
    expect(done.reduce((sum, report) => sum + report.events, 0)).toBe(20)
    expect(done.map(report => report.position)).toEqual(
      done.map(report => report.position).sort((a, b) => a - b),
    )
    expect(await store.verify()).toMatchObject({ ok: true, bases: 3 })
  })

  test('tells of its progress', async () => {
    const store = await create<number>()
    for (let n = 0; n < 200; n++) store.save(`s${n}`, n)
    const told: number[] = []
    await store.compact({ onProgress: report => told.push(report.sessions) })
    expect(told.at(-1)).toBe(200)
    expect(told.length).toBeGreaterThan(1)
    expect(told).toEqual([...told].sort((a, b) => a - b))
  })

  test('makes a store in a database smaller to open, without files', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    for (let n = 0; n < 100; n++) await store.save('a', n)
    expect(await store.compact()).toMatchObject({ sessions: 1, events: 100, snapshotsWritten: 0 })
    db.reads.clear()
    const reopened = await reopen(store)
    expect(reopened.get('a')).toBe(99)
    expect(db.reads.get('t')).toBeUndefined()
    expect(db.reads.get('b')!.entries).toBe(1)
  })
})

describe('compact() while saves go on', () => {
  test('does not stop them, and loses none', async () => {
    const store = await create<{ n: number }>()
    for (let n = 0; n < 300; n++) store.save(`s${n}`, { n })
    const receipts: Promise<{ version: number }>[] = []
    for (let round = 0; round < 10; round++) {
      const compacted = store.compact()
      for (let n = 0; n < 50; n++) {
        receipts.push(store.edit(`s${(round * 37 + n) % 300}`, draft => void draft.n++))
        if (n % 10 === 0) await receipts.at(-1)
      }
      await compacted
    }
    await Promise.all(receipts)
    const reopened = await reopen(store)
    let events = 0
    for (const id of reopened.ids()) {
      events += reopened.version(id)
      expect(reopened.get(id)!.n).toBe(Number(id.slice(1)) + reopened.version(id) - 1)
    }
    expect(events).toBe(800)
    expect(await reopened.verify()).toMatchObject({ ok: true, position: 800 })
  })

  test('acknowledges a save that is made in the middle of it', async () => {
    const store = await create<number>()
    for (let n = 0; n < 500; n++) store.save(`s${n}`, n)
    let compacting = true
    const compacted = store.compact().then(() => (compacting = false))
    await store.save('s1', -1)
    expect(compacting).toBe(true)
    await compacted
  })

  test('makes bases of acknowledged states only', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    await store.save('a', 1)
    const begun = onWrite(db, write => write.puts.has('mfrontier'))
    const compacted = store.compact()
    await begun
    const release = db.hold()
    const saved = store.save('a', 2)
    for (let turns = 0; turns < 50; turns++) await turn()
    release()
    await Promise.all([saved, compacted])
    const [base] = db.writes.flatMap(write => [...write.puts].filter(([key]) => key.startsWith('b')))
    expect(decodeBase({ sessionId: 'a', bytes: base![1] })).toMatchObject({
      version: 1,
      text: Buffer.from('1'),
    })
    expect((await reopen(store)).get('a')).toBe(2)
  })

  test('lets nobody miss an event that is on its way from one part of the log to the other', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    for (let n = 1; n <= 20; n++) await store.save('a', n, { eventId: `e${n}` })
    const events = store.events()
    await events.next()
    let answer = () => {}
    // The seal has happened on the disk, and the store has not heard of it yet.
    const sealed = onWrite(db, write => {
      if (write.deletes.length > 0) answer = db.holdAnswers()
      return write.deletes.length > 0
    })
    const compacted = store.compact()
    await sealed
    expect((await collect(events)).map(event => event.position)).toEqual(
      Array.from({ length: 19 }, (_, n) => n + 2),
    )
    expect(await store.save('a', 7, { eventId: 'e7' })).toMatchObject({ version: 7, deduplicated: true })
    answer()
    await compacted
    expect(await collect(store.history('a'))).toHaveLength(20)
  })

  test('never lets a reader miss or repeat an event', async () => {
    const store = await create<number>()
    for (let n = 1; n <= 200; n++) store.save(`s${n % 5}`, n)
    await store.flush()
    let reading = true
    const readers = Array.from({ length: 5 }, async (_, n) => {
      while (reading) {
        const versions = (await collect(store.history(`s${n}`, { reverse: n % 2 === 0 }))).map(
          event => event.version,
        )
        expect(versions.sort((a, b) => a - b)).toEqual(versions.map((_, index) => index + 1))
        expect(versions.length).toBeGreaterThanOrEqual(40)
      }
    })
    for (let round = 0; round < 15; round++) {
      for (let n = 0; n < 20; n++) store.save(`s${n % 5}`, n)
      await store.compact()
    }
    reading = false
    await Promise.all(readers)
  })
})

describe('compact() that is interrupted', () => {
  test('stops with the reason of its signal between sessions, and the next run finishes the rest', async () => {
    const store = await create<number>()
    for (let n = 0; n < 500; n++) store.save(`s${n}`, n)
    const controller = new AbortController()
    const reason = new Error('enough')
    let done = 0
    const failure = await failureOf(() =>
      store.compact({
        signal: controller.signal,
        onProgress: ({ sessions }) => {
          done = sessions
          controller.abort(reason)
        },
      }),
    )
    expect(failure).toBe(reason)
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(500)
    expect(await store.verify()).toMatchObject({ ok: true, bases: done, snapshots: done })
    expect(await store.compact()).toMatchObject({ sessions: 500 - done })
    expect(await store.verify()).toMatchObject({ ok: true, bases: 500, snapshots: 500 })
  })

  test('finds the rest after a restart, too', async () => {
    let store = await create<number>()
    for (let n = 0; n < 300; n++) store.save(`s${n}`, n)
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController()
      await failureOf(() =>
        store.compact({ signal: controller.signal, onProgress: () => controller.abort() }),
      )
      store = await reopen(store, { rebuild: round === 1 })
      expect(await store.verify()).toMatchObject({ ok: true })
    }
    await store.compact()
    expect(await store.verify()).toMatchObject({ ok: true, bases: 300, snapshots: 300 })
    for (let n = 0; n < 300; n++) expect(store.get(`s${n}`)).toBe(n)
  })

  test('before it begins does nothing', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    expect(
      await failureOf(() => store.compact({ signal: AbortSignal.abort(new Error('no')) })),
    ).toMatchObject({
      message: 'no',
    })
    expect(existsSync(pathOf(store, 'a'))).toBe(false)
  })

  test('by a callback that throws goes on the next time', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const thrown = new Error('callback')
    const onProgress = () => {
      throw thrown
    }
    expect(await failureOf(() => store.compact({ onProgress }))).toBe(thrown)
    await store.save('a', 2)
    expect(await store.compact()).toMatchObject({ problems: [] })
    expect(await store.verify()).toMatchObject({ ok: true, bases: 1 })
  })
})

describe('compactEvery', () => {
  test('runs by itself, and again', async () => {
    const db = new ObservedLevel()
    const bases = () => db.written('b').length
    const store = await create<number>({ db, compactEvery: 1 })
    for (let round = 1; round <= 3; round++) {
      const before = bases()
      await store.save('a', round)
      while (bases() === before) await turn()
    }
    expect((await reopen(store)).get('a')).toBe(3)
  })

  test('does not get in the way of saves, reads and compactions that are asked for', async () => {
    const store = await create<number>({ compactEvery: 1 })
    for (let n = 1; n <= 300; n++) {
      await store.save(`s${n % 10}`, n)
      if (n % 50 === 0) {
        await store.compact()
        expect(await store.verify()).toMatchObject({ ok: true })
      }
      if (n % 20 === 0) expect(await collect(store.events({ after: n - 5 }))).toHaveLength(5)
    }
    expect((await reopen(store)).get('s0')).toBe(300)
  })

  test('of 0 never runs', async () => {
    const store = await create<number>({ compactEvery: 0 })
    const committed = firstValueFrom(store.commits.pipe(skip(1)))
    await store.save('a', 1)
    await store.save('a', 2)
    await committed
    expect(existsSync(pathOf(store, 'a'))).toBe(false)
  })

  test('that fails is told to the logger, and the store goes on', async () => {
    const logger = new RecordingLogger()
    const store = await create<number>({ compactEvery: 1, logger })
    blockWitness(directoryOf(store as never))
    await store.save('a', 1)
    while (logger.errors.length === 0) await turn()
    expect(logger.errors[0]).toMatchObject({ err: { code: 'SESSIONLOG_IO_ERROR' } })
    expect(store.get('a')).toBe(1)
  })
})

/** Where a file is to be replaced, puts a folder that is not empty: whoever replaces the file meanwhile is outrun. */
function blockWitness(dir: string): void {
  for (const path = join(dir, 'head.json'); ; ) {
    rmSync(path, { force: true, recursive: true })
    try {
      return void mkdirSync(join(path, 'inside'), { recursive: true })
    } catch {
      // It came back in between.
    }
  }
}

describe('A base', () => {
  test('keeps an expiry that was moved, and one that was named', async () => {
    const clock = new TestClock()
    let store = await create<number>({ clock: clock.read })
    await store.save('touched', 1, { expiresAt: clock.now + 10 })
    await store.save('named', 1, { expiresAt: clock.now + 50 })
    store.touch('touched', clock.now + 100)
    await store.compact()
    store = await reopen(store)
    clock.now += 49
    expect([...store.ids()].sort()).toEqual(['named', 'touched'])
    clock.now += 1
    expect([...store.ids()]).toEqual(['touched'])
    clock.now += 50
    expect([...store.ids()]).toEqual([])
  })

  test('made in the middle of a burst has the expiry of its own version', async () => {
    const clock = new TestClock()
    const db = new ObservedLevel()
    const store = await create<number>({ db, clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 10 })
    // The base is made when the delete is acknowledged and the save behind it is not.
    await store.delete('a')
    const compacted = store.compact()
    store.save('a', 2, { expiresAt: clock.now + 20 })
    store.save('a', 3, { expiresAt: clock.now + 30 })
    await compacted
    const reopened = await reopen(store)
    clock.now += 29
    expect(reopened.get('a')).toBe(3)
    clock.now += 1
    expect(reopened.get('a')).toBeUndefined()
  })
})

test('A session with a long tail is sealed in parts, and can be interrupted between them', async () => {
  let store = await create<{ n: number; text: string }>({ compactEvery: 0 })
  const stateOf = (n: number) => ({ n, text: String.fromCharCode(97 + n).repeat(1 << 20) })
  for (let n = 0; n < 20; n++) await store.save('long', stateOf(n))
  await store.save('short', stateOf(0))
  const interrupt = new AbortController()
  const sealed: number[] = []
  const options = {
    signal: interrupt.signal,
    onProgress: ({ events }: { events: number }) => {
      sealed.push(events)
      interrupt.abort()
    },
  }
  expect(await failureOf(() => store.compact(options))).toMatchObject({ name: 'AbortError' })
  expect(sealed).toEqual([8])
  expect(readdirSync(folderOf(store as never))).toEqual([])

  store = await reopen(store, { compactEvery: 0 })
  expect(await store.verify()).toMatchObject({ ok: true, position: 21 })
  const counts: [sessions: number, events: number][] = []
  const report = await store.compact({
    onProgress: ({ sessions, events }) => counts.push([sessions, events]),
  })
  expect(report).toMatchObject({ sessions: 2, events: 13, snapshotsWritten: 2, problems: [] })
  expect(counts).toEqual([
    [0, 8],
    [1, 12],
    [2, 13],
  ])
  expect(await store.compact()).toMatchObject({ sessions: 0 })
  store = await reopen(store, { compactEvery: 0 })
  expect(await store.verify()).toMatchObject({ ok: true, position: 21 })
  for (let n = 0; n < 20; n++) expect(await store.stateAt('long', { version: n + 1 })).toEqual(stateOf(n))
})

test('A snapshot that cannot be written is a problem of the report, and the rest is done', async () => {
  const store = await create<number>()
  for (const id of ['a', 'b', 'c']) await store.save(id, 1)
  // A directory where the file should go: it cannot be replaced by a rename.
  mkdirSync(pathOf(store, 'b'))
  writeFileSync(join(pathOf(store, 'b'), 'x'), '')
  const report = await store.compact()
  expect(report).toMatchObject({ sessions: 2, snapshotsWritten: 2 })
  expect(report.problems).toMatchObject([
    { sessionId: 'b', path: pathOf(store, 'b'), error: { code: 'SESSIONLOG_IO_ERROR' } },
  ])
  rmSync(pathOf(store, 'b'), { recursive: true })
  expect(await store.compact()).toMatchObject({ sessions: 1, snapshotsWritten: 1, problems: [] })
  expect(await codeOf(() => store.compact({ unknown: 1 } as never))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  expect(await store.verify()).toMatchObject({ ok: true, snapshots: 3 })
})

test('A session whose log is damaged is a problem of the report, left as it is, and the rest is done', async () => {
  const db = new ObservedLevel()
  const store = await create<number>({ db })
  for (const id of ['a', 'b']) await store.save(id, 1)
  await store.compact()
  const log = db.sublevel<string, Buffer>('sessionlog', { valueEncoding: 'buffer' })
  const [key, sealed] = (await log.iterator({ gte: 'sa\0', lt: 'sa\x01' }).all())[0]!
  const damaged = Buffer.from(sealed)
  damaged[damaged.length >> 1]! ^= 1
  await log.put(key, damaged)
  for (const id of ['a', 'b']) await store.save(id, 2)
  const report = await store.compact()
  expect(report).toMatchObject({ sessions: 1, events: 1 })
  expect(report.problems).toMatchObject([{ sessionId: 'a', error: { code: 'SESSIONLOG_CORRUPTION' } }])
  expect(report.problems[0]).not.toHaveProperty('path')
  expect(await log.get(key)).toEqual(damaged)
  // With the record as it was, the next run takes the session up.
  await log.put(key, sealed)
  expect(await store.compact()).toMatchObject({ sessions: 1, events: 1, problems: [] })
  expect(await store.verify()).toMatchObject({ ok: true, position: 4 })
})
