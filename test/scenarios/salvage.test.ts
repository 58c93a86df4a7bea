import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type SalvageReport, salvage } from '../../src/index.ts'
import { encodeChecked } from '../../src/log/checked.ts'
import { Chance, type Contents, filesIn, makeStore, restore } from '../support/damage.ts'
import { codeOf } from '../support/outcome.ts'
import { expectSalvaged, flipped, hashOf, type Saved } from '../support/salvaged.ts'
import { create, temporary } from '../support/store.ts'
import { StoreProcess } from '../support/workers.ts'

const seed = Number(process.env.SESSIONLOG_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`Salvage tests: SESSIONLOG_SEED=${seed}`)

const scratch = mkdtempSync(join(tmpdir(), 'sessionlog-salvage-'))
const original = join(scratch, 'original')
const dir = join(scratch, 'damaged')
const backup = join(scratch, 'backup')
let written: Contents
let files: Map<string, Buffer>

beforeAll(async () => {
  written = await makeStore(original)
  const store = await openStore({ dir: original, compactEvery: 0 })
  await store.backup(backup)
  await store.close()
  files = filesIn(original)
})

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function fresh(): void {
  rmSync(dir, { recursive: true, force: true })
  restore(files, dir)
}

/** Makes a new store, and sees to it that the old one and its backup are not changed. */
async function salvaged(withBackup?: string): Promise<{ report: SalvageReport; saved: Saved; to: string }> {
  const to = join(scratch, 'new')
  rmSync(to, { recursive: true, force: true })
  const before = [hashOf(dir), withBackup && hashOf(withBackup)]
  const report = await salvage({ from: dir, dir: to, ...(withBackup && { backup: withBackup }) })
  expect([hashOf(dir), withBackup && hashOf(withBackup)]).toEqual(before)
  return { report, saved: await expectSalvaged(to, report, written), to }
}

const log = (pattern: RegExp) =>
  [...files.keys()].filter(name => name.startsWith('log/') && pattern.test(name))

describe('A store of what can be believed', () => {
  test('of a store that is whole is the same store, with its hashes and its root', async () => {
    fresh()
    const { report } = await salvaged()
    const list = JSON.parse(readFileSync(join(backup, 'backup.json'), 'utf8'))
    expect(report).toMatchObject({ ok: true, kept: written.events.length, remade: 0, root: list.root })
    expect(report).toMatchObject({
      from: list.store.origin,
      position: list.position,
      damages: [],
      losses: [],
    })
  })

  test('needs neither CURRENT nor the manifest', async () => {
    for (const name of log(/CURRENT$|MANIFEST/)) {
      fresh()
      rmSync(join(dir, name))
      const { report } = await salvaged()
      expect(report).toMatchObject({ ok: true, kept: written.events.length })
      expect(report.damages.length).toBeGreaterThan(0)
    }
  })

  test('has all that the other files have, where one of them is gone, and with a backup everything', async () => {
    let lossy = 0
    for (const name of log(/\.(ldb|log)$/)) {
      fresh()
      rmSync(join(dir, name))
      const { report, saved } = await salvaged()
      // A file of LevelDB's may hold nothing but what was replaced since.
      if (report.ok) expect(saved.events.size).toBe(written.events.length)
      else lossy++
      if (!report.ok) expect(saved.events.size + saved.states.size).toBeGreaterThan(0)
      expect((await salvaged(backup)).report).toMatchObject({
        ok: true,
        kept: written.events.length,
        losses: [],
      })
    }
    expect(lossy).toBeGreaterThan(0)
  })

  test('of snapshots alone has their states, and says that all events are lost', async () => {
    fresh()
    rmSync(join(dir, 'log'), { recursive: true })
    const { report, saved } = await salvaged()
    expect(saved.events.size).toBe(0)
    expect(saved.states.size).toBe(readdirSync(join(dir, 'sessions_v3')).length)
    expect(report.missing).toEqual([{ from: 1, to: written.events.length }])
    expect((await salvaged(backup)).report).toMatchObject({ ok: true, kept: written.events.length })
  })

  test('of a log that lost its end has the rest, and from the snapshots what they have of it', async () => {
    const [name] = log(/\.ldb$/).sort((a, b) => files.get(b)!.length - files.get(a)!.length)
    fresh()
    const store = await openStore<unknown>({ dir, compactEvery: 0 })
    const { position } = store
    await store.save('late', { of: 'late' })
    await store.compact()
    await store.close()
    // The log of before, as a copy brings it back that is too old.
    rmSync(join(dir, 'log'), { recursive: true })
    restore(new Map([...files].filter(([each]) => each.startsWith('log/'))), dir)
    expect(existsSync(join(dir, name!))).toBe(true)
    const to = join(scratch, 'late')
    rmSync(to, { recursive: true, force: true })
    const report = await salvage({ from: dir, dir: to })
    expect(report).toMatchObject({ ok: false, kept: position, remade: 1, states: 1 })
    expect(report.missing).toEqual([{ from: position + 1, to: position + 1 }])
    expect(report.losses).toEqual([
      { sessionId: 'late', lost: [{ from: 1, to: 1 }], states: [1], last: 1, saved: 1 },
    ])
    const again = await create<unknown>({ dir: to })
    expect(again.get('late')).toEqual({ of: 'late' })
  })

  test('after any damage to any file of the log has exactly what the report does not call lost', async () => {
    const chance = new Chance(seed)
    let [lost, whole] = [0, 0]
    for (let trial = 0; trial < 60; trial++) {
      fresh()
      const told: string[] = []
      for (let damages = 1 + chance.below(3); damages > 0; damages--) {
        const name = chance.of(log(/\.(ldb|log)$|MANIFEST|CURRENT/))
        const path = join(dir, name)
        if (!existsSync(path) || statSync(path).size === 0) continue
        const { size } = statSync(path)
        const kind = chance.below(8)
        if (kind === 0) rmSync(path)
        else if (kind === 1) truncateSync(path, chance.below(size))
        else if (kind === 2) writeFileSync(path, readFileSync(path).fill(0, chance.below(size), size))
        else writeFileSync(path, flipped(path, chance.below(size), chance.below(8)))
        told.push(`${name} ${kind}`)
      }
      const where = `SESSIONLOG_SEED=${seed}, trial ${trial}: ${told.join(', ')}`
      const { report } = await salvaged().catch(error => {
        throw new Error(`${where}: ${error.stack}`)
      })
      if (report.ok) whole++
      else lost++
      expect((await salvaged(backup)).report, where).toMatchObject({ ok: true, kept: written.events.length })
    }
    // Much is there twice: LevelDB leaves tables behind that it needs no more.
    expect(lost).toBeGreaterThan(0)
    console.log(`60 damages: ${lost} with a loss, ${whole} without`)
  })
})

/** A store of one session a kind of event: versions are whole states, but for those of `changes`. */
async function smallStore(): Promise<string> {
  const dir = temporary()
  const store = await create<{ n: number; text: string }>({ dir })
  const text = 'text '.repeat(60)
  for (let n = 1; n <= 3; n++) {
    await store.save('whole', { n, text: `${n} ${text}${'x'.repeat(n * 400)}` })
    await store.save('changes', { n, text })
  }
  await store.delete('changes')
  await store.save('changes', { n: 5, text: 'anew' })
  await store.close()
  return dir
}

async function inLevel(
  path: string,
  work: (db: ClassicLevel<string, Buffer>) => Promise<unknown>,
): Promise<void> {
  const db = new ClassicLevel<string, Buffer>(join(path, 'log'), { valueEncoding: 'buffer' })
  await work(db)
  await db.close()
}

/** Overwrites every trace of a record, also in the files that LevelDB keeps of what was there before. */
async function loseEntries(path: string, isLost: (key: string) => boolean): Promise<void> {
  const kept: [string, Buffer][] = []
  await inLevel(path, async db => {
    for await (const [key, value] of db.iterator()) if (!isLost(key)) kept.push([key, value])
  })
  rmSync(join(path, 'log'), { recursive: true })
  await inLevel(path, db => db.batch(kept.map(([key, value]) => ({ type: 'put', key, value }))))
}

describe('An event that is lost', () => {
  test('takes the changes behind it along, up to the next whole state', async () => {
    const from = await smallStore()
    await loseEntries(from, key => /^t.*changes\0/.test(key) && key.endsWith('12'))
    const dest = join(temporary(), 'new')
    const report = await salvage({ from, dir: dest })
    expect(report).toMatchObject({ ok: false, kept: 3, states: 0, missing: [{ from: 4, to: 4 }] })
    expect(report.losses).toEqual([
      { sessionId: 'changes', lost: [{ from: 2, to: 3 }], states: [], last: 5, saved: 5 },
    ])
    const store = await create<{ n: number }>({ dir: dest })
    expect(store.get('changes')).toMatchObject({ n: 5, text: 'anew' })
    expect(store.get('whole')).toMatchObject({ n: 3 })
    const last = store.version('whole')
    expect(last).toBe(3)
    for await (const { importedFrom, version } of store.history('whole'))
      if (importedFrom !== undefined) expect(importedFrom).toMatchObject({ origin: report.from, version })
  })

  test('but for its commit is kept with all others: a later root proves it', async () => {
    const from = await smallStore()
    await loseEntries(from, key => key === 'c13' || key === 'c14')
    const report = await salvage({ from, dir: join(temporary(), 'new') })
    expect(report).toMatchObject({ ok: true, kept: 8, commitsMade: 1, remade: 0, uncommitted: 0 })
  })

  test('but for its commit is a new event, where no later root proves it', async () => {
    const from = await smallStore()
    await loseEntries(from, key => key === 'c18')
    const dest = join(temporary(), 'new')
    const report = await salvage({ from, dir: dest })
    expect(report).toMatchObject({ ok: true, kept: 7, remade: 1, uncommitted: 1, states: 0 })
    const store = await create<{ n: number }>({ dir: dest })
    expect(store.get('changes')).toMatchObject({ n: 5 })
    expect(await store.verify()).toMatchObject({ ok: true })
  })

  test('comes from a backup of before, and what came after that from the log', async () => {
    const from = await smallStore()
    const place = join(temporary(), 'backup')
    const store = await create<unknown>({ dir: from })
    await store.backup(place)
    for (let n = 0; n < 4; n++) await store.save(`later ${n}`, { n })
    await store.close()
    await loseEntries(from, key => /^t1[2-5]/.test(key))
    const report = await salvage({ from, dir: join(temporary(), 'new'), backup: place })
    expect(report).toMatchObject({ ok: true, kept: 12, remade: 0 })
    expect(report.sources).toContainEqual({ name: 'backup', events: 4 })
    await loseEntries(from, key => key.startsWith('t1a'))
    expect(await salvage({ from, dir: join(temporary(), 'new'), backup: place })).toMatchObject({
      ok: false,
      kept: 9,
      remade: 2,
      missing: [{ from: 10, to: 10 }],
      losses: [{ sessionId: 'later 1', lost: [{ from: 1, to: 1 }], states: [], last: 1, saved: 0 }],
    })
  })

  test('of which the store says nothing itself, its record: origin and policies are those of the backup', async () => {
    const from = await smallStore()
    const store = await create({ dir: from, requireActor: true })
    const place = join(temporary(), 'backup')
    await store.backup(place)
    const { origin } = store
    await store.close()
    await loseEntries(from, key => key === 'mstore')
    const dest = join(temporary(), 'new')
    expect(await salvage({ from, dir: dest, backup: place })).toMatchObject({
      ok: true,
      from: origin,
      kept: 8,
    })
    const again = await create({ dir: dest })
    expect(await codeOf(() => again.save('a', 1))).toBe('SESSIONLOG_POLICY_VIOLATED')
  })
})

describe('What is found elsewhere', () => {
  test('in log-refused, is taken: it is what LevelDB has dropped since', async () => {
    fresh()
    const store = await create<unknown>({ dir })
    for (let n = 0; n < 20; n++) await store.save('more', { n })
    await store.close()
    const found = readdirSync(join(dir, 'log')).find(each => each.endsWith('.log'))!
    const bytes = readFileSync(join(dir, 'log', found))
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    writeFileSync(join(dir, 'log', found), bytes)
    expect(await codeOf(() => create({ dir }))).toBe('SESSIONLOG_EVENTS_MISSING')
    expect(existsSync(join(dir, 'log-refused'))).toBe(true)
    const dest = join(temporary(), 'new')
    const report = await salvage({ from: dir, dir: dest })
    expect(report.missing.length).toBeLessThanOrEqual(1)
    expect(report.sources.find(each => each.name === 'log-refused')!.events).toBeGreaterThan(0)
    expect((await create<unknown>({ dir: dest })).get('more')).toEqual({ n: 19 })
  })

  test('in a snapshot of another store, is left out and told', async () => {
    fresh()
    const elsewhere = temporary()
    const other = await create({ dir: elsewhere })
    await other.save('stranger', 1)
    await other.compact()
    await other.close()
    cpSync(join(elsewhere, 'sessions_v3', 'stranger.json'), join(dir, 'sessions_v3', 'stranger.json'))
    writeFileSync(join(dir, 'sessions_v3', 'torn.json'), '{')
    const to = join(temporary(), 'new')
    const report = await salvage({ from: dir, dir: to })
    expect(report.ok).toBe(false)
    expect(report.leftOut.map(path => path.slice(dir.length))).toEqual([
      '/sessions_v3/torn.json',
      '/sessions_v3/stranger.json',
    ])
    expect((await create({ dir: to })).has('stranger')).toBe(false)
  })

  test('in a backup that is damaged itself, is taken as far as it is sound', async () => {
    fresh()
    rmSync(join(dir, 'log'), { recursive: true })
    const place = join(temporary(), 'backup')
    cpSync(backup, place, { recursive: true })
    const part = readdirSync(place).find(name => name.endsWith('.slogb'))!
    writeFileSync(join(place, part), flipped(join(place, part), statSync(join(place, part)).size - 200))
    const { report } = await salvaged(place)
    expect(report.damages.map(each => each.path)).toContain(join(place, part))
    expect(report.remade).toBeGreaterThan(written.events.length / 2)
    writeFileSync(join(place, 'backup.json'), '{')
    expect((await salvaged(place)).report.remade).toBe(report.remade)
  })

  test('in a backup of a copy that went another way, is taken where nothing stands in its place, and told where it does', async () => {
    const from = await smallStore()
    const copy = temporary()
    cpSync(from, copy, { recursive: true })
    const place = join(temporary(), 'backup')
    for (const [path, id, n] of [
      [from, 'here', 10],
      [copy, 'there', 20],
    ] as const) {
      const store = await create<unknown>({ dir: path })
      await store.save(id, { n })
      await store.save('whole', { n })
      if (path === copy) await store.backup(place)
      await store.close()
    }
    await loseEntries(from, key => key.startsWith('t19'))
    const dest = join(temporary(), 'new')
    const report = await salvage({ from, dir: dest, backup: place })
    expect(report).toMatchObject({ ok: false, kept: 8, remade: 2, missing: [] })
    expect(report.conflicts).toEqual([{ sessionId: 'whole', version: 4, source: 'backup' }])
    expect(report.losses).toEqual([
      { sessionId: 'here', lost: [{ from: 1, to: 1 }], states: [], last: 1, saved: 0 },
    ])
    const store = await create<{ n: number }>({ dir: dest })
    expect([store.get('whole'), store.get('there'), store.has('here')]).toEqual([{ n: 10 }, { n: 20 }, false])
  })

  test('in a backup of another store, is refused, and what is no backup', async () => {
    fresh()
    const store = await create()
    await store.save('a', 1)
    const place = join(temporary(), 'backup')
    await store.backup(place)
    const to = join(temporary(), 'new')
    expect(await codeOf(() => salvage({ from: dir, dir: to, backup: place }))).toBe(
      'SESSIONLOG_EVENTS_MISSING',
    )
    expect(await codeOf(() => salvage({ from: dir, dir: to, backup: temporary() }))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
    expect(existsSync(to)).toBe(false)
  })
})

describe('Refused', () => {
  test('is a place that is not empty, one in the old store, and a source that is none', async () => {
    fresh()
    const full = temporary()
    writeFileSync(join(full, 'file'), '')
    for (const to of [full, join(dir, 'new'), dir])
      expect(await codeOf(() => salvage({ from: dir, dir: to }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    const gone = join(temporary(), 'gone')
    expect(await codeOf(() => salvage({ from: gone, dir: join(full, 'new') }))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
    expect(readdirSync(full)).toEqual(['file'])
  })

  test('is a store that a process holds, also a stopped one; nothing is left of the try', async () => {
    const from = temporary()
    const owner = await StoreProcess.open(from)
    await owner.call('save', 'a', 1)
    const place = temporary()
    const to = join(place, 'new')
    expect(await codeOf(() => salvage({ from, dir: to }))).toBe('SESSIONLOG_LOCKED')
    owner.signal('SIGSTOP')
    expect(await codeOf(() => salvage({ from, dir: to }))).toBe('SESSIONLOG_LOCKED')
    expect(readdirSync(place)).toEqual([])
    await owner.kill()
    expect(await salvage({ from, dir: to })).toMatchObject({ ok: true, position: 1 })
  })

  test('is a log of a newer format', async () => {
    fresh()
    await inLevel(dir, db => db.put('mstore', encodeChecked([{ format: 7, origin: 'o' }]) as Buffer))
    const place = temporary()
    expect(await codeOf(() => salvage({ from: dir, dir: join(place, 'new') }))).toBe(
      'SESSIONLOG_FORMAT_UNSUPPORTED',
    )
    expect(readdirSync(place)).toEqual([])
  })
})
