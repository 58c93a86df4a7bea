/** What docs/errors.md tells people to do after damage and loss, done. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClassicLevel } from 'classic-level'
import { expect, test } from 'vitest'
import { openLevelLog } from '../../src/log/open-level.ts'
import type { SessionStore } from '../../src/store.ts'
import { create, temporary } from '../support/store.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A store of two sessions, compacted, and one event that no compaction has sealed; closed. */
async function makeStore(): Promise<string> {
  const dir = temporary()
  const store = await create({ dir })
  await store.save('a', { of: 'a' })
  await store.save('b', { of: 'b' })
  await store.compact()
  await store.save('b', { of: 'b', again: true })
  await store.close()
  return dir
}

async function expectWhole(store: SessionStore<unknown>): Promise<void> {
  expect(store.get('a')).toEqual({ of: 'a' })
  expect(store.get('b')).toEqual({ of: 'b', again: true })
  expect((await store.verify()).problems).toEqual([])
}

/** Loses the last event: LevelDB drops what is torn. */
function cutLog(dir: string): void {
  const logs = readdirSync(join(dir, 'log')).filter(name => name.endsWith('.log'))
  const path = join(dir, 'log', logs.at(-1)!)
  truncateSync(path, readFileSync(path).length - 3)
}

/** The command line, as a process of its own. */
function run(...args: readonly string[]): { status: number | null; stderr: string } {
  const command = ['--import', 'tsx', join('src', 'cli', 'main.ts'), ...args]
  return spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' })
}

/** Of what came after the last compaction, the one event 3. */
function importTellsOfLoss(...args: readonly string[]): void {
  const { status, stderr } = run('import', ...args)
  expect(status).toBe(6)
  expect(stderr).toMatch(/Event 3 came after the snapshots.*SESSIONLOG_EVENTS_MISSING/)
}

test('a damaged base: rebuild, save the session again, compact', async () => {
  const dir = await makeStore()
  const db = new ClassicLevel<string, Buffer>(join(dir, 'log'), { valueEncoding: 'buffer' })
  const base = (await db.get('ba\0'))!
  await db.put('ba\0', base.fill(0, base.length - 1))
  await db.close()

  await expect(create({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_CORRUPTION', sessionId: 'a' })
  const rebuilt = await create({ dir, rebuild: true })
  await rebuilt.save('a', { of: 'a' })
  await rebuilt.compact()
  await rebuilt.close()
  await expectWhole(await create({ dir }))
})

test('a damaged snapshot: remove it, and compact in full', async () => {
  const dir = await makeStore()
  const path = join(dir, 'sessions_v3', 'a.json')
  writeFileSync(path, '{')
  const store = await create({ dir })
  expect((await store.verify()).problems).toMatchObject([{ code: 'SESSIONLOG_CORRUPTION', path }])
  rmSync(path)
  await store.compact({ full: true })
  expect(existsSync(path)).toBe(true)
  await expectWhole(store)
})

test('a damaged head.json: remove it', async () => {
  const dir = await makeStore()
  const path = join(dir, 'head.json')
  writeFileSync(path, '{')
  for (const acceptLoss of [false, true]) {
    await expect(create({ dir, acceptLoss })).rejects.toMatchObject({ code: 'SESSIONLOG_CORRUPTION', path })
  }
  rmSync(path)
  await expectWhole(await create({ dir }))
})

test('a log that lost its end: accept the loss, and compact in full', async () => {
  const dir = await makeStore()
  const { origin } = JSON.parse(readFileSync(join(dir, 'head.json'), 'utf8'))
  cutLog(dir)
  await expect(create({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
  const store = await create({ dir, acceptLoss: true })
  expect(store.origin).not.toBe(origin)
  expect(existsSync(join(dir, `head-${origin}-3.json`))).toBe(true)
  expect(store.get('b')).toEqual({ of: 'b' })
  const problems = (await store.verify()).problems.map(problem => problem.code)
  expect(problems).toEqual(['SESSIONLOG_EVENTS_MISSING', 'SESSIONLOG_EVENTS_MISSING'])
  await store.compact({ full: true })
  expect((await store.verify()).problems).toEqual([])
  await store.close()
  await create({ dir })
})

test('a log that is gone: import the snapshots in place', async () => {
  const dir = await makeStore()
  rmSync(join(dir, 'log'), { recursive: true })
  await expect(create({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
  importTellsOfLoss(join(dir, 'sessions_v3'), '--dir', dir)
  const store = await create({ dir })
  expect(store.get('a')).toEqual({ of: 'a' })
  expect(store.get('b')).toEqual({ of: 'b' })
  expect((await store.verify()).problems).toEqual([])
})

test("a damaged log: import its snapshots into another directory's store", async () => {
  const [dir, other] = [await makeStore(), temporary()]
  rmSync(join(dir, 'log', 'CURRENT'))
  await expect(create({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_CORRUPTION' })
  importTellsOfLoss(join(dir, 'sessions_v3'), '--dir', other)
  const store = await create({ dir: other })
  expect([...store.ids()].sort()).toEqual(['a', 'b'])
  expect((await store.verify()).problems).toEqual([])
})

test('another format: nothing is changed', async () => {
  const dir = temporary()
  const record = { origin: 'o', createdAt: 0, schemaVersion: 0, requireActor: false, requireReason: false }
  const log = await openLevelLog(join(dir, 'log'))
  await log.write([{ op: 'store', record: { format: 2, ...record } }], true)
  await log.close()
  await expect(create({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_FORMAT_UNSUPPORTED' })
  const again = await openLevelLog(join(dir, 'log'))
  expect(await again.readStore()).toEqual({ format: 2, ...record })
  await again.close()
})

test('a policy is kept until it is set to false', async () => {
  const dir = temporary()
  await (await create({ dir, requireActor: true })).close()
  const store = await create({ dir })
  await expect(store.save('a', 1)).rejects.toMatchObject({ code: 'SESSIONLOG_POLICY_VIOLATED' })
  expect(store.version('a')).toBe(0)
  await store.close()
  await (await create({ dir, requireActor: false })).save('a', 1)
})

test('a save that is alone is let through, whatever its size', async () => {
  const store = await create({ pendingBytesMax: 1 })
  await store.save('a', 'x'.repeat(1000))
  const saves = [store.save('a', 1), store.save('a', 2)]
  const outcomes = await Promise.allSettled(saves)
  expect(outcomes.map(outcome => outcome.status)).toEqual(['fulfilled', 'rejected'])
  expect(store.get('a')).toBe(1)
})

test('a version that a session does not have yet: history ends where the session does', async () => {
  const store = await create()
  await store.save('a', 1)
  const beyond = store.stateAt('a', { version: store.version('a') + 1 })
  await expect(beyond).rejects.toMatchObject({
    code: 'SESSIONLOG_VERSION_NOT_FOUND',
    sessionId: 'a',
    version: 2,
  })
  const versions = []
  for await (const event of store.history('a', { to: 2 })) versions.push(event.version)
  expect(versions).toEqual([1])
})

test('a refused import: mend the lines, or keep going', async () => {
  const [file, dir] = [join(temporary(), 'saves.ndjson'), join(temporary(), 'data')]
  writeFileSync(file, '{"session":"a","state":1}\n{"session":"b"}\n')
  const refused = run('import', file, '--dir', dir)
  expect(refused.stderr).toContain('SESSIONLOG_IMPORT_REJECTED')
  expect(existsSync(join(dir, 'log'))).toBe(false)
  run('import', file, '--dir', dir, '--keep-going')
  const store = await create({ dir })
  expect([...store.ids()]).toEqual(['a'])
})
