import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { diskUse } from '../../src/snapshot/disk-use.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { create, directoryOf, reopen, TestClock } from '../support/store.ts'

const DAY = 86_400_000

/** Sessions that were edited day by day, compacted now and then; some ended, forked, or of every kind of value. */
async function makeStore(
  days = 60,
  options = {},
): Promise<{ store: SessionStore<unknown>; clock: TestClock }> {
  const clock = new TestClock()
  const store = await create<unknown>({ clock: clock.read, ...options })
  for (let day = 1; day <= days; day++) {
    clock.now += DAY
    for (const id of ['cart', 'a\0b', 'é%'])
      await store
        .edit(id, draft => Object.assign(draft as object, { day, [`k${day}`]: 'text '.repeat(day % 7) }), {
          actor: `actor-${day % 3}`,
          eventId: `${id}-${day}`,
        })
        .catch(() => store.save(id, { day }, { eventId: `${id}-${day}` }))
    if (day === 10) await store.save('rich', everything())
    if (day === 12) await store.save('gone', { was: 'here' })
    if (day === 14) await store.delete('gone', { actor: 'bob' })
    if (day === 20) await store.fork('cart', 'fork', { version: 5 })
    if (day % 13 === 0) await store.compact()
  }
  return { store, clock }
}

/** All that can be asked about the past of every session. */
async function told(store: SessionStore<unknown>, ids: readonly string[]) {
  const sessions: Record<string, unknown> = {}
  for (const id of ids) {
    const history = await collect(store.history(id))
    const states = []
    for (let version = 1; version <= store.version(id); version++)
      states.push(await store.stateAt(id, { version }))
    const reversed = await collect(store.history(id, { reverse: true }))
    expect(reversed.reverse()).toEqual(history)
    sessions[id] = { history, states, blame: await store.blame(id) }
  }
  return { sessions, events: await collect(store.events()), from: await collect(store.events({ after: 33 })) }
}

const IDS = ['cart', 'a\0b', 'é%', 'rich', 'gone', 'fork']

describe('archive()', () => {
  test('moves old events out of the log, and nobody who asks about them notices', async () => {
    const { store } = await makeStore()
    const before = await told(store, IDS)
    const dry = await store.archive({ olderThan: '20d', dryRun: true })
    expect(readdirSync(directoryOf(store as never))).not.toContain('archive')
    const report = await store.archive({ olderThan: '20d' })
    expect(report).toMatchObject({ sessions: 6, files: 1, dryRun: false, problems: [] })
    expect(report.events).toBeGreaterThan(80)
    expect(dry.events).toBeLessThanOrEqual(report.events)
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore)
    expect(await told(store, IDS)).toEqual(before)
    expect(await store.verify()).toMatchObject({ ok: true, problems: [], position: store.position })
    const again = await reopen(store)
    expect(await told(again, IDS)).toEqual(before)
    const rebuilt = await reopen(again, { rebuild: true })
    expect(await told(rebuilt, IDS)).toEqual(before)
    expect(await rebuilt.verify()).toMatchObject({ ok: true, problems: [] })
  })

  test('goes on where it was, and sessions go on after their last event was archived', async () => {
    const { store, clock } = await makeStore(30)
    const all = await store.archive({ keepLast: 0 })
    expect(all.events).toBe(store.position)
    expect(await store.archive({ keepLast: 0 })).toMatchObject({ sessions: 0, events: 0, files: 0 })
    for (let n = 0; n < 40; n++) {
      clock.now += DAY
      await store.save('cart', { n })
      if (n % 9 === 0) await store.compact()
    }
    const before = await told(store, IDS)
    expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
    await store.archive({ keepLast: 10 })
    expect(await told(store, IDS)).toEqual(before)
    await store.save('cart', { after: true })
    const again = await reopen(store)
    expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
    expect(again.get('cart')).toEqual({ after: true })
  })

  test('keeps what its two limits say', async () => {
    const { store } = await makeStore()
    const { events } = await store.archive({ olderThan: '5d', keepLast: 30 })
    expect(events).toBeGreaterThan(0)
    expect(events).toBeLessThanOrEqual(3 * 30)
    expect(await store.archive({ olderThan: '100d' })).toMatchObject({ events: 0 })
  })

  test('frees the place that the events took in the log', async () => {
    const { store } = await makeStore(5)
    for (let n = 0; n < 300; n++) await store.save('large', { n, text: `${n} `.repeat(3000) })
    await store.compact()
    const log = join(directoryOf(store as never), 'log')
    const before = diskUse(log).bytes
    await store.archive({ keepLast: 10 })
    const reopened = await reopen(store)
    expect(diskUse(log).bytes).toBeLessThan(before / 4)
    expect(await collect(reopened.history('large'))).toHaveLength(300)
  })

  test('goes on beside readers and writers, who see all of it at any moment', async () => {
    const { store } = await makeStore(40)
    let done = false
    let read = 0
    const readers = ['cart', 'é%', 'rich'].map(async id => {
      while (!done) {
        const head = store.version(id)
        const versions = (await collect(store.history(id, { to: head }))).map(({ version }) => version)
        expect(versions).toEqual(Array.from({ length: head }, (_, at) => at + 1))
        const last = store.position
        const positions = (await collect(store.events())).map(({ position }) => position)
        expect(positions.slice(0, last)).toEqual(Array.from({ length: last }, (_, at) => at + 1))
        await store.stateAt(id, { version: 1 + (read % head) })
        read++
      }
    })
    for (let keepLast = 40; keepLast >= 0; keepLast -= 4) {
      for (let n = 0; n < 5; n++) await store.save('cart', { keepLast, n })
      await store.archive({ keepLast })
    }
    const least = read + 9
    while (read < least) await store.save('cart', { read })
    done = true
    await Promise.all(readers)
    expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
  })

  test('says whose events are missing where a file is gone or damaged, and still tells of the others', async () => {
    const { store } = await makeStore()
    await store.archive({ olderThan: '20d' })
    const folder = join(directoryOf(store as never), 'archive')
    const [name] = readdirSync(folder)
    const path = join(folder, name!)
    rmSync(path)
    const failure = await failureOf(() => collect(store.history('cart')))
    expect(failure).toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING', path })
    const { ok, problems } = await store.verify()
    expect(ok).toBe(false)
    expect(
      problems
        .map(({ sessionId }) => sessionId)
        .filter(Boolean)
        .sort(),
    ).toEqual([...IDS].sort())
  })

  test('finds each changed byte of a file', async () => {
    const { store } = await makeStore(30)
    await store.archive({ keepLast: 3 })
    const folder = join(directoryOf(store as never), 'archive')
    const path = join(folder, readdirSync(folder)[0]!)
    const bytes = readFileSync(path)
    const size = statSync(path).size
    let unseen = 0
    // Behind the head, which says whose the file is, and before its end.
    for (let at = 70; at < size - 45; at += 53) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1 << (at % 8)
      writeFileSync(path, changed)
      if ((await store.verify()).ok) unseen++
    }
    writeFileSync(path, bytes)
    expect(unseen).toBe(0)
    expect((await store.verify()).ok).toBe(true)
  })

  test('asks what is to be archived, and refuses what it does not know', async () => {
    const { store } = await makeStore(2)
    for (const options of [
      {},
      { olderThan: '3 days' },
      { olderThan: -1 },
      { keepLast: 1.5 },
      { nonsense: 1 },
    ])
      expect(await codeOf(() => store.archive(options as never))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })
})
