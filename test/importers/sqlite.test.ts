/** Databases as their stores wrote them: see test/fixtures/importers/README.md. */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { importSessions } from '../../src/importers/import-sessions.ts'
import { SqliteFile } from '../../src/importers/sqlite-file.ts'
import { openDatabase } from '../../src/importers/sqlite-library.ts'
import { all, ndjson, sessionlog, withStore } from '../cli/cli.ts'
import { create, temporary } from '../support/store.ts'

const FIXTURES = resolve('test/fixtures/importers')
const DATABASE = join(FIXTURES, 'connect-sqlite3.db')
const OTHER = join(FIXTURES, 'better-sqlite3-session-store.db')
const BENCH = resolve('scripts/bench/node_modules')

const from = 'connect-sqlite3'
const hasOwn = process.getBuiltinModule?.('node:sqlite') !== undefined
const installed = ['better-sqlite3', 'sqlite3'].filter(name => existsSync(join(BENCH, name)))

/** A project that has one library, or none. */
function project(library?: string): string {
  const dir = temporary()
  mkdirSync(join(dir, 'node_modules'))
  if (library !== undefined) symlinkSync(join(BENCH, library), join(dir, 'node_modules', library), 'junction')
  return dir
}

const SOUND = { records: 5, imported: 3, refused: 1, expired: 1 }

describe('what sqlite3 -json prints', () => {
  test('is read, row by row', async () => {
    const store = await create()
    const report = await importSessions({ store, from, source: join(FIXTURES, 'connect-sqlite3.json') })
    expect(report).toMatchObject({ ...SOUND, problems: [{ kind: 'refused', place: 'line 3' }] })
    expect(store.get('Xk3_9pQw-VbT2mZ')).toMatchObject({ cart: ['tea', '日本'], cookie: { expires: true } })
    const [event] = await all(store.history('second'))
    expect(event!.expiresAt).toBeCloseTo(Date.parse('2076-11-11T02:16:19.419Z'), -2)
  })

  test('of the table of better-sqlite3-session-store is read as well', async () => {
    const store = await create()
    const row = { sid: 'a', sess: '{"cookie":{},"n":1}', expire: '2076-11-11T02:16:19.419Z' }
    const bad = [
      { ...row, sid: 5 },
      { ...row, sess: null },
      { ...row, expire: 'soon' },
      { sid: 'x', sess: row.sess },
    ]
    const source = Readable.from([Buffer.from(ndjson(row, ...bad))])
    expect(await importSessions({ store, from, source })).toMatchObject({ imported: 1, refused: 4 })
    expect((await all(store.history('a')))[0]!.expiresAt).toBe(Date.parse(row.expire))
  })
})

/** The command line, in a project of its own. */
async function imported(file: string, cwd: string, ...args: string[]) {
  const dir = temporary()
  const { code, json, stderr } = await sessionlog(
    ['import', file, '--from', from, '--dir', dir, '--json', ...args],
    { cwd },
  )
  return { dir, code, stderr, problems: json.slice(0, -1), report: json.at(-1) }
}

const noOwn = hasOwn ? '' : ' (skipped: this Node.js has none; CI runs them under 22)'

describe.skipIf(noOwn)(`a SQLite file, by Node.js's own library${noOwn}`, () => {
  test('of connect-sqlite3', async () => {
    const { dir, code, problems, report } = await imported(DATABASE, project())
    expect([code, report]).toMatchObject([6, SOUND])
    expect(problems).toMatchObject([{ kind: 'refused', place: 'row 3' }])
    await withStore(dir, async store =>
      expect([...store.ids()].sort()).toEqual(['Xk3_9pQw-VbT2mZ', 'far', 'second']),
    )
  })

  test('of better-sqlite3-session-store', async () => {
    expect(await imported(OTHER, project())).toMatchObject({ code: 0, report: { imported: 1 } })
  })

  test.each([1, 2, 4, 5])('page by page, of %i rows', async pageRows => {
    const places: string[] = []
    for await (const { place } of new SqliteFile(DATABASE, { pageRows }).records()) places.push(place)
    expect(places).toEqual(['row 1', 'row 2', 'row 3', 'row 4', 'row 5'])
  })

  test('without the table is an error that names it', async () => {
    const { code, stderr } = await imported(DATABASE, project(), '--table', 'other')
    expect([code, stderr]).toEqual([7, expect.stringContaining('other')])
  })
})

const own = hasOwn ? ' (skipped: this one has)' : ''

describe.skipIf(own)(`a SQLite file, where Node.js has no library of its own${own}`, () => {
  test('is refused with what to do', async () => {
    const { code, stderr } = await imported(DATABASE, project())
    expect([code, stderr]).toEqual([7, expect.stringMatching(/better-sqlite3 or sqlite3.*sqlite3 -json/)])
    await expect(openDatabase(DATABASE, project())).rejects.toMatchObject({ code: 'SESSIONLOG_IO_ERROR' })
  })

  // `npm run bench:setup` installs them.
  test.skipIf(installed.length === 0).each(installed)('is read by %s of the project', async library => {
    const cwd = project(library)
    const { code, problems, report } = await imported(DATABASE, cwd)
    expect([code, report]).toMatchObject([6, SOUND])
    expect(problems).toMatchObject([{ kind: 'refused', place: 'row 3' }])
    expect(await imported(OTHER, cwd)).toMatchObject({ code: 0, report: { imported: 1 } })
    expect((await imported(DATABASE, cwd, '--table', 'other')).code).toBe(7)
  })
})
