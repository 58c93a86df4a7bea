import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type RestoreOptions, restore, type SessionStore } from '../../src/index.ts'
import { outcomeOf, start } from '../cli/cli.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { create, directoryOf, TestClock, temporary } from '../support/store.ts'
import { StoreProcess } from '../support/workers.ts'

/** A store with some of everything: sealed and not, deleted, forked, with ids of events, touched. */
async function makeStore(clock: TestClock): Promise<SessionStore<unknown>> {
  const store = await create<unknown>({ clock: clock.read })
  for (let n = 1; n <= 30; n++) {
    clock.now += 1000
    await store.save(`s${n % 5}`, { n, text: 'text '.repeat(n) }, { actor: 'ann', eventId: `e${n}` })
    if (n === 15) await store.compact()
  }
  await store.save('rich', everything())
  await store.fork('s1', 'fork', { version: 2 })
  await store.delete('s2')
  await store.save('ends', 1, { expiresAt: clock.now + 1_000_000 })
  store.touch('ends', clock.now + 5_000_000)
  await store.saveAll([
    { id: 'one', state: 1 },
    { id: 'two', state: 2 },
  ])
  return store
}

async function restored(options: Omit<RestoreOptions, 'dir'>, clock: TestClock) {
  const dir = join(temporary(), 'restored')
  const report = await restore({ ...options, dir })
  return { report, store: await create<unknown>({ dir, clock: clock.read }) }
}

describe('A backup', () => {
  test('makes the same store again: every event, every state, every index', async () => {
    const clock = new TestClock()
    const store = await makeStore(clock)
    const dest = join(temporary(), 'backup')
    const taken = await store.backup(dest)
    expect(taken).toMatchObject({ position: store.position, events: store.position })
    const { report, store: again } = await restored({ from: dest }, clock)
    expect(report).toMatchObject({ position: store.position, root: taken.root, sessions: store.size })
    expect(await collect(again.events())).toEqual(await collect(store.events()))
    for (const id of store.ids()) expect(again.get(id)).toEqual(store.get(id))
    expect(await again.stateAt('s2', { version: 3 })).toEqual(await store.stateAt('s2', { version: 3 }))
    expect(await again.lineage('fork')).toEqual(await store.lineage('fork'))
    expect(await again.save('s1', { n: 1, text: 'text ' }, { actor: 'ann', eventId: 'e1' })).toMatchObject({
      deduplicated: true,
    })
    clock.now += 2_000_000
    expect([store.get('ends'), again.get('ends')]).toEqual([1, 1])
    expect(again.origin).not.toBe(store.origin)
    expect(await again.verify()).toMatchObject({ ok: true, problems: [], root: taken.root })
  })

  test('grows by what is new, and stays as it was where nothing is', async () => {
    const clock = new TestClock()
    const store = await makeStore(clock)
    const dest = join(temporary(), 'backup')
    const first = await store.backup(dest)
    const files = readdirSync(dest)
    expect(await store.backup(dest)).toMatchObject({ events: 0, bytes: 0, position: first.position })
    expect(readdirSync(dest)).toEqual(files)
    await store.save('s1', 'new')
    await store.compact()
    await store.save('s3', 'newer')
    expect(await store.backup(dest)).toMatchObject({ events: 2, position: first.position + 2 })
    expect(readdirSync(dest)).toHaveLength(files.length + 1)
    const { store: again } = await restored({ from: dest }, clock)
    expect(await collect(again.events())).toEqual(await collect(store.events()))
    expect([again.get('s1'), again.get('s3')]).toEqual(['new', 'newer'])
  })

  test('is restored up to the end of any commit, by position or by time', async () => {
    const clock = new TestClock()
    const store = await makeStore(clock)
    const dest = join(temporary(), 'backup')
    await store.backup(dest)
    const events = await collect(store.events())
    for (const position of [0, 1, 15, 22]) {
      const { store: again } = await restored({ from: dest, toPosition: position }, clock)
      expect(await collect(again.events())).toEqual(events.slice(0, position))
      expect(again.get('s1')).toEqual(await store.stateAt('s1', { position }))
    }
    const { recordedAt } = events[9]!
    const { report } = await restored({ from: dest, toTime: recordedAt + 1 }, clock)
    expect(report.position).toBe(10)
    const last = store.position
    expect(await codeOf(() => restored({ from: dest, toPosition: last - 1 }, clock))).toBe(
      'SESSIONLOG_VERSION_NOT_FOUND',
    )
    expect(await codeOf(() => restored({ from: dest, toPosition: last + 1 }, clock))).toBe(
      'SESSIONLOG_VERSION_NOT_FOUND',
    )
  })

  test('that was changed by a byte is not restored', async () => {
    const clock = new TestClock()
    const store = await makeStore(clock)
    const dest = join(temporary(), 'backup')
    await store.backup(dest)
    const file = join(dest, readdirSync(dest).find(name => name.endsWith('.slogb'))!)
    const whole = readFileSync(file)
    for (let at = 7; at < whole.length; at += Math.ceil(whole.length / 23)) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 0x10
      writeFileSync(file, changed)
      expect([at, await codeOf(() => restored({ from: dest }, clock))]).toEqual([at, 'SESSIONLOG_CORRUPTION'])
    }
    writeFileSync(file, whole.subarray(0, whole.length - 9))
    expect(await codeOf(() => restored({ from: dest }, clock))).toBe('SESSIONLOG_CORRUPTION')
  })

  test('is of one store, and goes into a directory that is empty', async () => {
    const clock = new TestClock()
    const store = await makeStore(clock)
    const other = await create<unknown>()
    await other.save('a', 1)
    const dest = join(temporary(), 'backup')
    await store.backup(dest)
    const before = readFileSync(join(dest, 'backup.json'), 'utf8')
    expect(await codeOf(() => other.backup(dest))).toBe('SESSIONLOG_EVENTS_MISSING')
    expect(readFileSync(join(dest, 'backup.json'), 'utf8')).toBe(before)
    const code = await codeOf(() => restore({ from: dest, dir: directoryOf(store as never) }))
    expect(code).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(await codeOf(() => restore({ from: temporary(), dir: temporary() }))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
    expect(await codeOf(() => store.backup(''))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })

  test('is taken by one at a time', async () => {
    const store = await makeStore(new TestClock())
    const dest = join(temporary(), 'backup')
    const [one, other] = await Promise.allSettled([store.backup(dest), store.backup(dest)])
    expect([one.status, other.status].sort()).toEqual(['fulfilled', 'rejected'])
    const refused = [one, other].find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(refused.reason).toMatchObject({ code: 'SESSIONLOG_LOCKED', transient: true })
    expect(await store.backup(dest)).toMatchObject({ events: 0 })
  })

  test('of which a part is gone is not added to, and not restored', async () => {
    const clock = new TestClock()
    const store = await makeStore(clock)
    const dest = join(temporary(), 'backup')
    await store.backup(dest)
    rmSync(join(dest, readdirSync(dest).find(name => name.endsWith('.slogb'))!))
    await store.save('s1', 'new')
    expect(await codeOf(() => store.backup(dest))).toBe('SESSIONLOG_CORRUPTION')
    const parent = temporary()
    expect(await codeOf(() => restore({ from: dest, dir: join(parent, 'again') }))).toBe(
      'SESSIONLOG_CORRUPTION',
    )
    // What was begun is gone: nothing there is taken for a store.
    expect(readdirSync(parent)).toEqual([])
    for (const text of ['null', '{"format":0}', '{']) {
      writeFileSync(join(dest, 'backup.json'), text)
      expect(await codeOf(() => store.backup(dest))).toBe('SESSIONLOG_CORRUPTION')
    }
  })

  test('has the expiries that its events had, wherever it is restored to', async () => {
    const clock = new TestClock()
    const store = await create<unknown>({ clock: clock.read })
    await store.save('s', 1, { expiresAt: clock.now + 1000 })
    store.touch('s', clock.now + 1_000_000)
    await store.flush()
    await store.save('t', 1)
    const dest = join(temporary(), 'backup')
    await store.backup(dest)
    clock.now += 5000
    const { store: again } = await restored({ from: dest, toPosition: 1 }, clock)
    expect(again.has('s')).toBe(true)
    await store.save('s', 2)
    store.touch('s', clock.now + 10)
    await store.backup(dest)
    clock.now += 5000
    const { store: earlier } = await restored({ from: dest, toPosition: 2 }, clock)
    expect(earlier.get('s')).toBe(undefined)
  })

  test('does not lie in the store itself', async () => {
    const store = await makeStore(new TestClock())
    const dir = directoryOf(store as never)
    for (const dest of [dir, join(dir, 'backup'), join(dir, 'log', 'x', 'y')])
      expect(await codeOf(() => store.backup(dest))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(await codeOf(() => restore({ from: dir, dir: temporary(), toTime: Number.NaN }))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
  })

  test('that was interrupted leaves the one before as it was, and the next run goes on', async () => {
    const clock = new TestClock()
    const store = await makeStore(clock)
    const dest = join(temporary(), 'backup')
    await store.backup(dest)
    const before = readdirSync(dest)
    await store.save('s1', 'new')
    const abort = new AbortController()
    abort.abort(new Error('enough'))
    await expect(store.backup(dest, { signal: abort.signal })).rejects.toThrow('enough')
    expect(readdirSync(dest)).toEqual(before)
    // What a killed run leaves: a whole file that the backup does not name.
    writeFileSync(join(dest, 'events-38-99.slogb'), 'half')
    expect(await store.backup(dest)).toMatchObject({ events: 1 })
    expect(readdirSync(dest)).not.toContain('events-38-99.slogb')
    const { store: again } = await restored({ from: dest }, clock)
    expect(again.get('s1')).toBe('new')
  })
})

test('The command line copies the store of an app that goes on saving, and makes a store of the copy', async () => {
  const dir = temporary()
  const [dest, again] = [join(temporary(), 'backup'), join(temporary(), 'again')]
  const app = await StoreProcess.open(dir)
  for (const id of ['a', 'b']) void app.call('saveOn', id, id)
  for (let run = 1; run <= 3; run++) {
    await app.untilAcked(200 * run)
    const { code, json } = await outcomeOf(start('src/cli/main.ts', ['backup', dest, '--dir', dir, '--json']))
    expect(code).toBe(0)
    expect(json[0].position).toBeGreaterThanOrEqual(200 * run - 1)
  }
  await app.kill()
  const { code, json, stderr } = await outcomeOf(
    start('src/cli/main.ts', ['restore', dest, '--dir', again, '--json']),
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const store = await create<unknown>({ dir: again })
  const events = await collect(store.events())
  expect(events).toHaveLength(json[0].position)
  for (const { id, version, position, hash } of app.acked)
    if (position <= events.length)
      expect(events[position - 1]).toMatchObject({ sessionId: id, version, hash })
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
  for (const args of [
    ['backup', join(dir, 'inside'), '--dir', dir],
    ['restore', dest, '--dir', again],
    ['restore', dest, '--dir', join(again, 'x'), '--to-position', '-1'],
  ])
    expect((await outcomeOf(start('src/cli/main.ts', args))).code).toBe(2)
  expect(statSync(dest).isDirectory()).toBe(true)
  rmSync(again, { recursive: true, force: true })
})
