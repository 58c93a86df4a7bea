import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { Chance, type Contents, codesOf, examine, filesIn, makeStore, restore } from '../support/damage.ts'
import { someDamage, tryDamages } from '../support/damage-trials.ts'

const seed = Number(process.env.SESSIONLOG_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`Damage tests: SESSIONLOG_SEED=${seed}`)
const chance = new Chance(seed)

const scratch = mkdtempSync(join(tmpdir(), 'sessionlog-damage-'))
const original = join(scratch, 'original')
const dir = join(scratch, 'damaged')
let written: Contents
let files: Map<string, Buffer>

beforeAll(async () => {
  written = await makeStore(original)
  files = filesIn(original)
})

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

describe('A changed byte', () => {
  const anywhere = ['SESSIONLOG_CORRUPTION', 'SESSIONLOG_EVENTS_MISSING', 'SESSIONLOG_FORMAT_UNSUPPORTED']
  const places: [where: string, pattern: RegExp, trials: number, codes: string[]][] = [
    ['a table of LevelDB', /\.ldb$/, 60, anywhere.slice(0, 2)],
    ["LevelDB's own log", /\.log$/, 30, anywhere.slice(0, 2)],
    ["LevelDB's manifest", /MANIFEST/, 20, anywhere.slice(0, 1)],
    ['the file that names it', /CURRENT$/, 10, anywhere.slice(0, 1)],
    ['the mark of a clean close', /head\.json$/, 25, anywhere],
    ['a snapshot', /^sessions_v3/, 30, anywhere],
  ]
  for (const [where, pattern, count, codes] of places) {
    test(`in ${where} is reported, or changes nothing: what is answered is what was written`, async () => {
      const damages = Array.from({ length: count }, () => someDamage(files, pattern, chance))
      const { reports, aborted } = await tryDamages(original, scratch, damages)
      console.log(
        `${where}: ${count} damages, ${reports.filter(each => each.refused).length} refused,`,
        `${reports.filter(each => each.failures > 0).length} found by readers,`,
        `${reports.filter(each => each.problems > 0).length} by verify, ${aborted.length} ended by LevelDB`,
      )
      for (const report of reports) {
        expect(report, JSON.stringify(report)).toMatchObject({
          wrong: [],
          unnamed: [],
          overlooked: false,
          unverified: false,
          doubled: [],
        })
        for (const code of report.codes) expect(codes, JSON.stringify(report)).toContain(code)
        if (where === 'a snapshot') expect(report).toMatchObject({ refused: null, failures: 0 })
        if (/CURRENT|\.log$/.test(report.damage.file))
          expect(report.refused, JSON.stringify(report)).not.toBeNull()
      }
      // Were nothing ever found, nothing would have been damaged.
      expect(reports.filter(each => each.codes.length > 0).length).toBeGreaterThan(count / 5)
      // Its tables only: they alone are read without a checksum.
      expect(aborted.length).toBeLessThan(pattern.test('1.ldb') ? count / 10 : 1)
    })
  }
})

describe('A file that is cut', () => {
  test('of the log, is reported at open or by the readers of what it held, never as trouble with the disk', async () => {
    for (const [name, bytes] of files) {
      if (!/\.ldb$|MANIFEST|CURRENT$/.test(name)) continue
      for (const length of [0, chance.below(bytes.length), bytes.length - 1]) {
        fresh()
        truncateSync(join(dir, name), length)
        const finding = await examine(dir, written)
        expect(finding.wrong, `${name} cut to ${length}`).toEqual([])
        for (const code of codesOf(finding))
          expect(code, `${name} cut to ${length}`).toBe('SESSIONLOG_CORRUPTION')
        if (name.endsWith('CURRENT')) expect(finding.refused).toBeDefined()
      }
    }
  })

  test('of a snapshot, is found by verify, which names it, and the next compaction writes it again', async () => {
    const [name, bytes] = chance.of([...files].filter(([path]) => path.startsWith('sessions_v3/')))
    for (const length of [0, chance.below(bytes.length - 2), bytes.length - 2]) {
      fresh()
      truncateSync(join(dir, name), length)
      const { refused, failures, wrong, problems } = await examine(dir, written)
      expect({ refused, failures, wrong }).toEqual({ refused: undefined, failures: new Map(), wrong: [] })
      expect(problems).toMatchObject([{ code: 'SESSIONLOG_CORRUPTION', path: join(dir, name) }])
      const store = await openStore({ dir, compactEvery: 0 })
      await store.compact({ full: true })
      expect(await store.verify()).toMatchObject({ ok: true })
      await store.close()
    }
  })

  test('that marks a clean close, is refused', async () => {
    for (const length of [0, 1, chance.below(files.get('head.json')!.length - 2)]) {
      fresh()
      truncateSync(join(dir, 'head.json'), length)
      expect((await examine(dir, written)).refused).toMatchObject({ code: 'SESSIONLOG_CORRUPTION' })
    }
  })
})

describe('A file that is gone', () => {
  test('of the log, is reported, each in turn', async () => {
    for (const name of files.keys()) {
      if (!/\.(ldb|log)$|MANIFEST|CURRENT$/.test(name)) continue
      fresh()
      rmSync(join(dir, name))
      const finding = await examine(dir, written)
      expect(finding.wrong, name).toEqual([])
      const code = name.endsWith('.log') ? 'SESSIONLOG_EVENTS_MISSING' : 'SESSIONLOG_CORRUPTION'
      if (finding.refused !== undefined) expect(finding.refused, name).toMatchObject({ code })
      // Closing, LevelDB may leave tables behind that it needs no more.
      else
        expect({ name, codes: codesOf(finding) }).toEqual({
          name: expect.stringContaining('.ldb'),
          codes: [],
        })
    }
    expect((await tablesInUse()).length).toBeGreaterThan(0)
  })

  test('with all others of the log, is a log that has lost its events, also at the second try', async () => {
    for (const gone of ['the files', 'the folder']) {
      fresh()
      rmSync(join(dir, 'log'), { recursive: true })
      if (gone === 'the files') mkdirSync(join(dir, 'log'))
      for (let attempt = 0; attempt < 2; attempt++)
        expect((await examine(dir, written)).refused).toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
    }
  })

  test('with the mark of a clean close, leaves snapshots that speak for it', async () => {
    fresh()
    rmSync(join(dir, 'log'), { recursive: true })
    rmSync(join(dir, 'head.json'))
    expect((await examine(dir, written)).refused).toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
  })

  test('of what is derived, costs nothing', async () => {
    for (const name of ['head.json', 'sessions_v3', 'log/LOCK', 'log/LOG']) {
      fresh()
      rmSync(join(dir, name), { recursive: true })
      const finding = await examine(dir, written)
      expect({ name, wrong: finding.wrong, codes: codesOf(finding) }).toEqual({ name, wrong: [], codes: [] })
    }
  })
})

describe("LevelDB's own log, cut", () => {
  test('leaves a first part of what was acknowledged, refused while a witness knows of more', async () => {
    const name = [...files.keys()].find(each => each.endsWith('.log'))!
    const { length } = files.get(name)!
    for (const cut of [1, length, ...Array.from({ length: 8 }, () => 1 + chance.below(length))]) {
      fresh()
      truncateSync(join(dir, name), length - cut)
      for (let attempt = 0; attempt < 2; attempt++)
        expect((await examine(dir, written)).refused).toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
      const store = await openStore<unknown>({ dir, compactEvery: 0, acceptLoss: true })
      const { origin } = store
      expect(origin).not.toBe(JSON.parse(files.get('head.json')!.toString()).origin)
      await store.close()
      const finding = await examine(dir, written, { prefix: true })
      expect({ refused: finding.refused, wrong: finding.wrong, failures: finding.failures.size }).toEqual({
        refused: undefined,
        wrong: [],
        failures: 0,
      })
      // The snapshots are of the log that was; this one has none of its own yet.
      for (const problem of finding.problems)
        expect(problem).toMatchObject({
          code: 'SESSIONLOG_EVENTS_MISSING',
          path: expect.stringContaining('sessions_v3'),
        })
      expect(readdirSync(dir).filter(file => file.startsWith('head-'))).toHaveLength(1)
    }
  })

  test('is not noticed where no witness is left: then it is what a crash leaves', async () => {
    const name = [...files.keys()].find(each => each.endsWith('.log'))!
    fresh()
    rmSync(join(dir, 'head.json'))
    truncateSync(join(dir, name), files.get(name)!.length - 1)
    const finding = await examine(dir, written, { prefix: true })
    expect({ wrong: finding.wrong, codes: codesOf(finding) }).toEqual({ wrong: [], codes: [] })
  })

  test('is told by verify where a snapshot is ahead of it, with session and version', async () => {
    fresh()
    const store = await openStore<unknown>({ dir, compactEvery: 0 })
    const { version } = await store.save('cart', { later: true })
    await store.compact()
    await store.close()
    // The log of before: what a copy brings back that is too old.
    rmSync(join(dir, 'log'), { recursive: true })
    restore(new Map([...files].filter(([name]) => name.startsWith('log/'))), dir)
    expect((await examine(dir, written)).refused).toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
    rmSync(join(dir, 'head.json'))
    const { wrong, problems } = await examine(dir, written)
    expect(wrong).toEqual([])
    expect(problems).toContainEqual(
      expect.objectContaining({ code: 'SESSIONLOG_EVENTS_MISSING', sessionId: 'cart', version }),
    )
  })
})

describe('Refused', () => {
  test('by LevelDB or before it is asked, a store is left as it was found', async () => {
    const names = [...files.keys()].filter(name => /MANIFEST|CURRENT$/.test(name))
    for (const name of [...names, ...(await tablesInUse())]) {
      fresh()
      rmSync(join(dir, name))
      const found = evidence()
      expect((await examine(dir, written)).refused).toBeDefined()
      expect(evidence(), name).toEqual(found)
    }
  })

  test('after LevelDB let it pass, which turns its log and may merge tables, a store keeps all that is its own', async () => {
    const log = [...files.keys()].find(each => each.endsWith('.log'))!
    const damages: (() => void)[] = [
      () => truncateSync(join(dir, log), 100),
      () => writeFileSync(join(dir, 'head.json'), '{'),
    ]
    for (const damage of damages) {
      fresh()
      damage()
      const found = evidence()
      expect((await examine(dir, written)).refused).toBeDefined()
      const left = evidence()
      const own = (all: Map<string, Buffer>) => [...all].filter(([name]) => !/^log(-refused)?\//.test(name))
      expect(own(left)).toEqual(own(found))
      expect(replaced(left, 'log-refused/')).toEqual(replaced(found, 'log/'))
    }
  })

  test('a log that LevelDB has turned since is there as it was first found, and stays when the loss is accepted', async () => {
    const log = [...files.keys()].find(each => each.endsWith('.log'))!
    const { origin, position } = JSON.parse(files.get('head.json')!.toString())
    const kept = `log-refused-${origin}-${position}`
    for (const refusals of [0, 1, 3]) {
      fresh()
      const bytes = Buffer.from(files.get(log)!)
      bytes[bytes.length - 10]! ^= 1
      writeFileSync(join(dir, log), bytes)
      const found = replaced(evidence(), 'log/')
      for (let n = 0; n < refusals; n++) {
        expect((await examine(dir, written)).refused).toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
        expect(replaced(evidence(), 'log-refused/')).toEqual(found)
      }
      const store = await openStore({ dir, compactEvery: 0, acceptLoss: true })
      await store.close()
      expect(readdirSync(dir).filter(name => name.startsWith('log-'))).toEqual([kept])
      expect(replaced(evidence(), `${kept}/`)).toEqual(found)
    }
  })

  test('keeps the files of each incident, once a good copy was put back in between', async () => {
    const log = [...files.keys()].find(each => each.endsWith('.log'))!
    fresh()
    for (const incident of [1, 2]) {
      for (const name of [...files.keys()].filter(each => !each.startsWith('log-')))
        rmSync(join(dir, name), { force: true })
      rmSync(join(dir, 'log'), { recursive: true, force: true })
      restore(files, dir)
      if (incident === 2) await (await openStore({ dir, compactEvery: 0 })).close()
      rmSync(join(dir, 'log'), { recursive: true, force: true })
      restore(files, dir)
      truncateSync(join(dir, log), 100 * incident)
      expect((await examine(dir, written)).refused).toBeDefined()
    }
    const kept = readdirSync(dir).filter(name => name.startsWith('log-refused'))
    expect(kept).toHaveLength(2)
  })

  test('what a store found is kept although its process was killed while it opened', async () => {
    const log = [...files.keys()].find(each => each.endsWith('.log'))!
    fresh()
    const killed = join(dir, 'log-opening')
    mkdirSync(killed)
    writeFileSync(join(killed, '000001.log'), 'as it was found')
    truncateSync(join(dir, log), 100)
    expect((await examine(dir, written)).refused).toBeDefined()
    expect(evidence().get('log-refused/000001.log')?.toString()).toBe('as it was found')
    expect(existsSync(killed)).toBe(false)
  })

  test('although the loss is accepted, because the rest is damaged too, a store keeps its witness', async () => {
    fresh()
    const { position } = JSON.parse(files.get('head.json')!.toString())
    writeFileSync(
      join(dir, 'head.json'),
      files
        .get('head.json')!
        .toString()
        .replace(`"position": ${position}`, `"position": ${position + 1}`),
    )
    const log = [...files.keys()].find(each => each.endsWith('.log'))!
    const bytes = Buffer.from(files.get(log)!)
    bytes[1000]! ^= 1
    writeFileSync(join(dir, log), bytes)
    const { refused } = await examine(dir, written, { acceptLoss: true })
    expect(refused).toMatchObject({ code: 'SESSIONLOG_CORRUPTION' })
    expect(existsSync(join(dir, 'head.json'))).toBe(true)
  })
})

/** Those of LevelDB's files in a folder that it replaces when it opens, by their names. */
function replaced(all: Map<string, Buffer>, folder: string): Map<string, Buffer> {
  const found = [...all].filter(([name]) => name.startsWith(folder) && /\.log$|MANIFEST|CURRENT$/.test(name))
  return new Map(found.map(([name, bytes]) => [name.slice(folder.length), bytes]))
}

/** A copy to be damaged. */
function fresh(): void {
  rmSync(dir, { recursive: true, force: true })
  restore(files, dir)
}

/** All that says what the store was: every file but locks and LevelDB's diary. */
function evidence(): Map<string, Buffer> {
  return new Map([...filesIn(dir)].filter(([name]) => !/log\/(LOCK|LOG|LOG\.old)$/.test(name)))
}

/** Tables that LevelDB cannot do without. Closing, it may leave others behind. */
async function tablesInUse(): Promise<string[]> {
  const tables: string[] = []
  for (const name of files.keys()) {
    if (!name.endsWith('.ldb')) continue
    fresh()
    rmSync(join(dir, name))
    if ((await examine(dir, written)).refused !== undefined) tables.push(name)
  }
  return tables
}
