/**
 * What docs/format.md says a crash leaves at each step, and what the next open does with it. A killed process leaves
 * its files as they are, so a crash is a copy of the directory, taken in the middle of the step.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { LevelLog } from '../../src/log/level-log.ts'
import type { LogOperation } from '../../src/log/port.ts'
import { openStore } from '../../src/open.ts'
import { SnapshotFolder } from '../../src/snapshot/snapshot-folder.ts'
import type { SessionStore } from '../../src/store.ts'
import { copyAsCrashed } from '../support/crash-copy.ts'

const directories: string[] = []

afterEach(() => {
  vi.restoreAllMocks()
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true })
})

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sessionlog-crash-'))
  directories.push(dir)
  return dir
}

/** The directory as a process leaves it that is killed now. LevelDB's LOCK has no content, and must not be read. */
function crash(dir: string): string {
  const copy = directory()
  copyAsCrashed(dir, copy)
  return copy
}

function open(dir: string): Promise<SessionStore<unknown>> {
  return openStore<unknown>({ dir, compactEvery: 0 })
}

/** Opens what a crash left, and asserts that everything in it is as it was written. */
async function reopen(dir: string, check: (store: SessionStore<unknown>) => unknown): Promise<void> {
  const store = await open(dir)
  await check(store)
  expect((await store.verify()).problems).toEqual([])
  await store.close()
}

/** Cuts the last batch in LevelDB's own log. */
function tear(dir: string): void {
  const logs = readdirSync(join(dir, 'log')).filter(file => file.endsWith('.log'))
  const log = join(dir, 'log', logs.at(-1)!)
  truncateSync(log, readFileSync(log).length - 3)
}

type Crashes = Map<string, string>

/** Copies the directory before and after each call of a method: what a crash leaves there, by the step's name. */
function crashAround(
  crashes: Crashes,
  dir: string,
  prototype: object,
  method: string,
  name: (...args: never[]) => string = () => method,
): void {
  const original = (prototype as Record<string, (...args: unknown[]) => unknown>)[method]!
  async function spied(this: unknown, ...args: unknown[]): Promise<unknown> {
    const step = name(...(args as never[]))
    crashes.set(`before ${step}`, crash(dir))
    const result = await original.apply(this, args)
    crashes.set(`after ${step}`, crash(dir))
    return result
  }
  vi.spyOn(prototype as Record<string, typeof spied>, method).mockImplementation(spied)
}

function stepOf(operations: readonly LogOperation[]): string {
  return [...new Set(operations.map(operation => operation.op))].join('+') || 'sync'
}

test('a commit leaves all of itself or nothing', async () => {
  const dir = directory()
  const crashes: Crashes = new Map()
  const store = await open(dir)
  await store.save('a', 1)
  crashAround(crashes, dir, LevelLog.prototype, 'write', stepOf)
  const items = [
    { id: 'a', state: 2 },
    { id: 'b', state: 1, eventId: 'e1' },
  ]
  await store.saveAll(items)
  vi.restoreAllMocks()
  await store.close()

  const batch = 'record+eventId+commit'
  expect([...crashes.keys()]).toEqual([`before ${batch}`, `after ${batch}`])
  const after = crashes.get(`after ${batch}`)!
  const torn = crash(after)
  tear(torn)

  for (const nothing of [crashes.get(`before ${batch}`)!, torn]) {
    await reopen(nothing, store => {
      expect(store.get('a')).toBe(1)
      expect(store.has('b')).toBe(false)
    })
  }
  await reopen(after, async store => {
    expect(store.get('a')).toBe(2)
    expect(store.get('b')).toBe(1)
    expect(await store.save('b', 1, { eventId: 'e1' })).toMatchObject({ version: 1, deduplicated: true })
  })
})

test('a compaction leaves a store that opens, whole, and the next run finishes it', async () => {
  const dir = directory()
  const crashes: Crashes = new Map()
  const store = await open(dir)
  for (let round = 1; round <= 3; round++) {
    for (const id of ['a', 'b', 'gone']) await store.save(id, { round })
    if (round === 2) await store.compact()
  }
  await store.delete('gone')
  let saved: Promise<unknown> | undefined
  crashAround(crashes, dir, LevelLog.prototype, 'write', operations => {
    // Saved while the compaction is at it: after the frontier, before the base.
    saved ??= store.save('b', { round: 4 })
    return stepOf(operations)
  })
  crashAround(crashes, dir, SnapshotFolder.prototype, 'update')
  crashAround(crashes, dir, LevelLog.prototype, 'reclaim')
  await store.compact()
  await saved
  vi.restoreAllMocks()
  crashes.set('after head.json', crash(dir))
  await store.close()

  const sealed = ['after seal+base', 'before reclaim', 'after reclaim', 'after head.json']
  const unsealed = ['before frontier', 'after frontier', 'before record+commit', 'after record+commit']
  unsealed.push('before update', 'after update', 'before seal+base')
  expect([...crashes.keys()].sort()).toEqual([...sealed, ...unsealed].sort())
  for (const [step, left] of crashes) {
    writeFileSync(join(left, 'sessions_v3', 'a.json.0123456789abcdef.tmp'), '{')
    await reopen(left, async store => {
      expect(store.get('a'), step).toEqual({ round: 3 })
      expect([3, 4], step).toContain(store.version('b'))
      expect(store.version('gone'), step).toBe(4)
      // What was saved after the frontier is left to the next run, whatever became of this one.
      expect((await store.compact()).sessions, step).toBe(sealed.includes(step) ? 1 : 3)
    })
    expect(readdirSync(join(left, 'sessions_v3')), step).toEqual(['a.json', 'b.json'])
  }
})

test('a close leaves all that was acknowledged, and head.json before the log is closed', async () => {
  const dir = directory()
  const crashes: Crashes = new Map()
  const store = await open(dir)
  await store.save('a', 1)
  crashes.set('before head.json', crash(dir))
  crashAround(crashes, dir, LevelLog.prototype, 'close')
  await store.close()
  vi.restoreAllMocks()
  crashes.set('after all', crash(dir))

  expect([...crashes.keys()]).toEqual(['before head.json', 'before close', 'after close', 'after all'])
  for (const [step, left] of crashes) {
    writeFileSync(join(left, 'head.json.0123456789abcdef.tmp'), '{')
    expect(existsSync(join(left, 'head.json')), step).toBe(step !== 'before head.json')
    expect(existsSync(join(left, 'owner.json')), step).toBe(step !== 'after all')
    await reopen(left, store => expect(store.get('a')).toBe(1))
    expect(readdirSync(left).sort(), step).toEqual(['head.json', 'log', 'sessions_v3'])
  }
})

test('an open leaves a store that the next open makes anew, or finds as it was', async () => {
  const dir = directory()
  const crashes: Crashes = new Map()
  crashAround(crashes, dir, LevelLog.prototype, 'readStore')
  crashAround(crashes, dir, SnapshotFolder.prototype, 'open')
  crashAround(crashes, dir, LevelLog.prototype, 'write', stepOf)
  const first = await open(dir)
  vi.restoreAllMocks()
  const { origin } = first
  await first.close()

  expect([...crashes.keys()]).toEqual([
    'before readStore',
    'after readStore',
    'before open',
    'after open',
    'before store',
    'after store',
  ])
  // What LevelDB makes first, and what a process leaves that is killed just then.
  const unfinished = directory()
  mkdirSync(join(unfinished, 'log'))
  writeFileSync(join(unfinished, 'log', 'MANIFEST-000001'), '')
  crashes.set('before CURRENT', unfinished)
  for (const [step, left] of crashes) {
    await reopen(left, store => {
      expect(store.size, step).toBe(0)
      expect(store.origin === origin, step).toBe(step === 'after store')
    })
  }
})

test('an open that accepts a loss leaves one that has to be accepted again, until it is through', async () => {
  const dir = directory()
  const store = await open(dir)
  await store.save('a', 1)
  await store.save('a', 2)
  await store.close()
  tear(dir)

  const crashes: Crashes = new Map()
  crashAround(crashes, dir, LevelLog.prototype, 'write', stepOf)
  const accepted = await openStore({ dir, compactEvery: 0, acceptLoss: true })
  vi.restoreAllMocks()
  await accepted.close()

  expect([...crashes.keys()]).toEqual(['before store', 'after store'])
  for (const left of crashes.values()) {
    await expect(open(left)).rejects.toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
    await (await openStore({ dir: left, acceptLoss: true })).close()
    await reopen(left, store => expect(store.version('a')).toBe(1))
  }
})
