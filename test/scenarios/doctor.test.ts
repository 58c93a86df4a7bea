import {
  mkdirSync,
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
import { beforeAll, describe, expect, test } from 'vitest'
import { type Examination, examine, openStore } from '../../src/index.ts'
import { encodeChecked } from '../../src/log/checked.ts'
import { filesIn, restore } from '../support/damage.ts'
import { flipped, hashOf } from '../support/salvaged.ts'
import { create, temporary } from '../support/store.ts'
import { StoreProcess } from '../support/workers.ts'

/** A store of three sessions, compacted, with events in its log behind that; closed. */
let files: Map<string, Buffer>

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sessionlog-doctor-'))
  const store = await openStore<unknown>({ dir, compactEvery: 0 })
  for (let n = 0; n < 30; n++) await store.save(`s${n % 3}`, { n, text: 'text '.repeat(n * 20) })
  await store.compact()
  for (let n = 0; n < 9; n++) await store.save(`s${n % 3}`, { n, after: true })
  await store.close()
  // Opened once more, what LevelDB had in its log is in a table.
  await (await openStore<unknown>({ dir, compactEvery: 0 })).close()
  files = filesIn(dir)
  rmSync(dir, { recursive: true })
})

function fresh(): string {
  const dir = temporary()
  restore(files, dir)
  return dir
}

/** Looks, and sees to it that nothing is changed by that. */
async function look(dir: string, deep = false): Promise<Examination> {
  const before = hashOf(dir)
  const examination = await examine({ dir, deep })
  expect(hashOf(dir)).toBe(before)
  return examination
}

/** What is wrong, by what it is about. */
function problemsOf({ findings }: Examination) {
  const problems = findings.filter(({ severity }) => severity === 'problem')
  for (const { remedy } of problems) expect(remedy).toBeTruthy()
  return problems.map(({ about, code }) => `${about} ${code}`)
}

function notesOf({ findings }: Examination): string[] {
  return findings.filter(({ severity }) => severity === 'note').map(({ message }) => message)
}

const logFile = (dir: string, pattern: RegExp) => {
  const names = readdirSync(join(dir, 'log')).filter(name => pattern.test(name))
  const sizeOf = (name: string) => statSync(join(dir, 'log', name)).size
  return join(dir, 'log', names.sort((a, b) => sizeOf(b) - sizeOf(a))[0]!)
}

describe('A store that is whole', () => {
  test('is told so, with its sizes, its formats, its origin and the end of its chain', async () => {
    const dir = fresh()
    const witness = JSON.parse(files.get('head.json')!.toString())
    for (const deep of [false, true]) {
      const examination = await look(dir, deep)
      const { origin, position, root } = witness
      expect(examination).toMatchObject({ ok: true, isStore: true, origin, sessions: 3, owner: undefined })
      expect(examination.head).toMatchObject({ position, root })
      expect(examination.formats).toEqual({ log: 1, head: 1, snapshots: 1 })
      expect(examination.witness).toEqual(witness)
      expect(examination.sizes.snapshots.files).toBe(3)
      expect(examination.sizes.log.bytes).toBeGreaterThan(1000)
      expect(examination.findings.every(({ severity }) => severity === 'ok')).toBe(true)
      expect(examination.findings.some(({ about }) => about === 'events')).toBe(deep)
    }
  })

  test('may have been compacted never, or be new: that is noted', async () => {
    const store = await create({ dir: temporary() })
    await store.save('a', 1)
    await store.close()
    const dir = temporary()
    const other = await create({ dir })
    expect(problemsOf(await examine({ dir }))).toEqual([])
    await other.save('a', 1)
    await other.close()
    const examination = await look(dir)
    expect(examination.ok).toBe(true)
    expect(notesOf(examination)).toEqual([expect.stringContaining('No compaction')])
  })

  test('keeps its sessions while it is looked at, also those whose time is up', async () => {
    const dir = temporary()
    const store = await create({ dir })
    await store.save('a', 1, { expiresAt: Date.now() + 60_000 })
    await store.close()
    const path = join(dir, 'head.json')
    const { position } = JSON.parse(readFileSync(path, 'utf8'))
    expect((await look(dir, true)).head).toMatchObject({ position })
  })
})

describe('What is no store', () => {
  test('is told: no directory, a file, an empty directory, a backup, anything else', async () => {
    const dir = temporary()
    writeFileSync(join(dir, 'file'), 'text')
    for (const name of ['empty', 'backup', 'else']) mkdirSync(join(dir, name))
    writeFileSync(join(dir, 'backup', 'backup.json'), '{}')
    writeFileSync(join(dir, 'else', 'notes.txt'), 'text')
    const before = hashOf(dir)
    for (const name of ['gone', 'file', 'empty', 'backup', 'else']) {
      const examination = await examine({ dir: join(dir, name) })
      expect(examination).toMatchObject({ isStore: false, ok: false, head: undefined, origin: undefined })
      expect(problemsOf(examination)).toEqual(['directory SESSIONLOG_INVALID_ARGUMENT'])
    }
    expect(hashOf(dir)).toBe(before)
    expect(readdirSync(join(dir, 'empty'))).toEqual([])
  })
})

describe('A damaged log', () => {
  test('is told with the file: a flipped byte in a table, a table that is cut or gone, no CURRENT, no manifest', async () => {
    const damages: [pattern: RegExp, damage: (path: string) => void][] = [
      [/\.ldb$/, path => writeFileSync(path, flipped(path, 500))],
      [/\.ldb$/, path => truncateSync(path, statSync(path).size - 100)],
      [/\.ldb$/, path => rmSync(path)],
      [/CURRENT$/, path => rmSync(path)],
      [/CURRENT$/, path => writeFileSync(path, 'MANIFEST-999999\n')],
      [/MANIFEST/, path => writeFileSync(path, flipped(path, 30))],
      [/\.log$/, path => rmSync(path)],
    ]
    for (const [pattern, damage] of damages) {
      const dir = fresh()
      const path = logFile(dir, pattern)
      damage(path)
      const examination = await look(dir, true)
      const [first] = examination.findings
      expect(first).toMatchObject({
        severity: 'problem',
        about: 'log',
        code: 'SESSIONLOG_CORRUPTION',
        paths: [path],
      })
      expect(first!.remedy).toBe(`sessionlog doctor --dir ${dir} --rebuild NEW [--backup BACKUP]`)
      expect(examination).toMatchObject({ ok: false, isStore: true })
      // What can be read says who it was.
      expect(examination.origin).toBe(JSON.parse(files.get('head.json')!.toString()).origin)
    }
  })

  test('that is gone is told, with what it once had', async () => {
    for (const rest of [['head.json', 'sessions_v3'], ['sessions_v3'], ['head.json']]) {
      const dir = fresh()
      for (const name of ['log', 'head.json', 'sessions_v3'])
        if (!rest.includes(name)) rmSync(join(dir, name), { recursive: true })
      const examination = await look(dir)
      expect(problemsOf(examination)).toEqual(['log SESSIONLOG_EVENTS_MISSING'])
      expect(examination.head).toBeUndefined()
    }
    const dir = fresh()
    rmSync(join(dir, 'log'), { recursive: true })
    for (const name of ['log', 'archive']) writeFileSync(join(dir, name), 'a file')
    expect(problemsOf(await look(dir))).toEqual(['log SESSIONLOG_EVENTS_MISSING'])
  })

  test('whose end is torn is told by the witness', async () => {
    const dir = fresh()
    const store = await openStore<unknown>({ dir, compactEvery: 0 })
    for (let n = 0; n < 5; n++) await store.save('s0', { torn: n })
    const { position } = store
    await store.close()
    const path = logFile(dir, /\.log$/)
    truncateSync(path, statSync(path).size - 5)
    const examination = await look(dir, true)
    expect(problemsOf(examination)).toEqual(['head SESSIONLOG_EVENTS_MISSING'])
    expect(examination.head).toMatchObject({ position: position - 1 })
    expect(examination.findings[0]!.message).toContain(`once had ${position}`)
    // The tail that is not yet torn by LevelDB is whole for whoever looks again.
    expect(await look(dir)).toMatchObject({ head: examination.head })
  })

  test('that is whole, and an event in it is not, is told by a deep look', async () => {
    const dir = fresh()
    await inLevel(dir, async db => {
      for await (const [key, value] of db.iterator({ gte: 's', lt: 't', limit: 1 })) {
        value[40]! ^= 1
        await db.put(key, value)
      }
    })
    expect(problemsOf(await look(dir, true))).toContain('events SESSIONLOG_CORRUPTION')
  })

  test('of a format that is not known is told as that', async () => {
    const dir = fresh()
    await inLevel(dir, db => db.put('mstore', encodeChecked([{ format: 7, origin: 'o' }]) as Buffer))
    const examination = await look(dir)
    expect(problemsOf(examination)).toContain('format SESSIONLOG_FORMAT_UNSUPPORTED')
    expect(examination.formats.log).toBe(7)
  })
})

describe('What lies beside the log', () => {
  test('is held against it: the witness', async () => {
    const damages: [damage: (head: Record<string, unknown>) => unknown, problem: string][] = [
      [head => ({ ...head, position: 9999 }), 'head SESSIONLOG_EVENTS_MISSING'],
      [head => ({ ...head, root: 'f'.repeat(64) }), 'head SESSIONLOG_EVENTS_MISSING'],
      [head => ({ ...head, format: 3 }), 'format SESSIONLOG_FORMAT_UNSUPPORTED'],
      [() => 'nothing', 'head SESSIONLOG_CORRUPTION'],
    ]
    for (const [damage, problem] of damages) {
      const dir = fresh()
      const path = join(dir, 'head.json')
      writeFileSync(path, JSON.stringify(damage(JSON.parse(readFileSync(path, 'utf8')))))
      const examination = await look(dir)
      expect(problemsOf(examination)).toEqual([problem])
      expect(examination.sessions).toBe(3)
    }
    const dir = fresh()
    rmSync(join(dir, 'head.json'))
    const examination = await look(dir)
    expect([examination.ok, notesOf(examination).length]).toEqual([true, 1])
  })

  test('is held against it: snapshots that are missing, damaged, too new, of another store, or of nobody', async () => {
    const change = (path: string, fields: object) =>
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...fields }))
    const damages: [damage: (path: string) => void, problem: string][] = [
      [path => rmSync(path), 'snapshots SESSIONLOG_EVENTS_MISSING'],
      [path => writeFileSync(path, '{'), 'snapshots SESSIONLOG_CORRUPTION'],
      [path => change(path, { version: 999 }), 'snapshots SESSIONLOG_EVENTS_MISSING'],
      [path => change(path, { version: 1 }), 'snapshots SESSIONLOG_CORRUPTION'],
      [path => change(path, { origin: 'another' }), 'snapshots SESSIONLOG_EVENTS_MISSING'],
      [path => change(path, { format: 5 }), 'snapshots SESSIONLOG_FORMAT_UNSUPPORTED'],
      [path => change(path, { sessionId: 'nobody' }), 'snapshots SESSIONLOG_EVENTS_MISSING'],
    ]
    for (const [damage, problem] of damages) {
      const dir = fresh()
      const path = join(dir, 'sessions_v3', 's1.json')
      damage(path)
      const examination = await look(dir)
      expect(problemsOf(examination), damage.toString()).toEqual([problem])
      expect(examination.findings[0]!.paths).toEqual([path])
      expect(examination.findings[0]!.message).toContain(path)
    }
  })

  test('is held against it by a deep look: a snapshot whose state is not the one that was saved', async () => {
    const dir = fresh()
    const path = join(dir, 'sessions_v3', 's1.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('text text', 'text test'))
    expect((await look(dir)).ok).toBe(true)
    const examination = await look(dir, true)
    expect(problemsOf(examination)).toEqual(['snapshots SESSIONLOG_CORRUPTION'])
    expect(examination.findings[0]).toMatchObject({ paths: [path], message: expect.stringContaining(path) })
  })

  test('and does no harm is noted', async () => {
    const dir = fresh()
    const names = [
      'head.json.0123456789abcdef.tmp',
      'owner.0123456789abcdef.knock',
      'sessions_v3/s1.json.0123456789abcdef.tmp',
      'head-origin-7.json',
    ]
    for (const name of names) writeFileSync(join(dir, name), '')
    for (const name of ['log-opening', 'log-refused', 'log-refused-1', 'sessions_v3-imported-1'])
      mkdirSync(join(dir, name))
    const examination = await look(dir)
    expect(examination.ok).toBe(true)
    const notes = examination.findings.filter(({ about }) => about === 'leftovers')
    expect(notes).toHaveLength(7)
    expect(notes.flatMap(({ paths }) => paths)).toHaveLength(8)
  })
})

describe('A store that a process holds', () => {
  test('is looked at all the same, while it goes on saving, and says who holds it', async () => {
    const dir = fresh()
    const owner = await StoreProcess.open(dir)
    const saving = (async () => {
      for (let n = 0; n < 40; n++) {
        await owner.call('save', `s${n % 3}`, { n })
        if (n % 10 === 9) await owner.call('compact')
      }
    })()
    for (let round = 0; round < 3; round++) {
      const { ok, findings, owner: found, sessions } = await examine({ dir, deep: round === 2 })
      expect({ ok, problems: findings.filter(({ severity }) => severity === 'problem') }).toEqual({
        ok: true,
        problems: [],
      })
      expect(found).toMatchObject({ process: 'running', holds: true, answers: true, pid: expect.any(Number) })
      expect(sessions).toBe(3)
    }
    await saving
    await owner.call('save', 's0', { last: true })
    await owner.kill()
    const after = await look(dir)
    expect(after.owner).toMatchObject({ process: 'gone', holds: false, answers: false })
    expect(after.ok).toBe(true)
    expect(notesOf(after)).toEqual([expect.stringContaining('without closing')])
    expect(after.head!.position).toBe(JSON.parse(files.get('head.json')!.toString()).position + 41)
  })

  test('is looked at also where that process does not share it', async () => {
    const dir = fresh()
    const owner = await StoreProcess.open(dir, { share: false })
    const { owner: found, ok } = await examine({ dir })
    expect(found).toMatchObject({ process: 'running', holds: true, answers: false })
    expect(ok).toBe(true)
    await owner.kill()
  })

  test('and that is stopped, has that problem and no other', async () => {
    const dir = fresh()
    const owner = await StoreProcess.open(dir)
    owner.signal('SIGSTOP')
    const { pid } = JSON.parse(readFileSync(join(dir, 'owner.json'), 'utf8'))
    while (process.platform === 'linux' && !/\) T/.test(readFileSync(`/proc/${pid}/stat`, 'latin1')))
      await new Promise(setImmediate)
    const examination = await examine({ dir })
    expect(problemsOf(examination)).toEqual(['owner SESSIONLOG_LOCKED'])
    expect(examination).toMatchObject({ sessions: 3, owner: { holds: true, answers: false } })
    await owner.kill()
  })

  test('by this process, too', async () => {
    const dir = fresh()
    const store = await create({ dir })
    const { owner, ok } = await examine({ dir })
    expect({ owner, ok }).toMatchObject({ ok: true, owner: { pid: process.pid, holds: true } })
    await store.save('a', 1)
  })
})

async function inLevel(
  dir: string,
  work: (db: ClassicLevel<string, Buffer>) => Promise<unknown>,
): Promise<void> {
  const db = new ClassicLevel<string, Buffer>(join(dir, 'log'), { valueEncoding: 'buffer' })
  await work(db)
  await db.close()
}
