import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateKey } from '../../src/index.ts'
import { all, sessionlog, temporary, withStore } from './cli.ts'

/** A store with a cart of five versions, the last of which has no state, and another session; and a bundle of it. */
async function makeBundle(...options: string[]): Promise<{ dir: string; file: string }> {
  const dir = temporary()
  const file = join(dir, 'bug.slog')
  await withStore(dir, async store => {
    const user = { name: 'Ann Lee', mark: 'a\u001b[31mb' }
    await store.save(
      'cart',
      { items: ['tea'], total: 3, user },
      { actor: 'ann', data: { by: 'Ann Lee' }, type: 'opened' },
    )
    await store.save('cart', { items: ['tea', 'milk'], total: 5, user }, { actor: 'bob', reason: 'thirst' })
    await store.save('other', 1)
    await store.save('cart', { items: ['milk'], total: -2, user, when: new Date(0) })
    await store.delete('cart', { reason: 'done' })
    await store.save('cart', { items: [], total: 0, user })
  })
  expect(await sessionlog(['bundle', 'cart', '--out', file, '--dir', dir, ...options])).toMatchObject({
    code: 0,
    stderr: '',
  })
  return { dir, file }
}

const READS = [
  ['history', 'cart'],
  ['history', 'cart', '--reverse', '--json'],
  ['show', 'cart'],
  ['show', 'cart', '--at', '2', '--json'],
  ['diff', 'cart', '1', '3'],
  ['blame', 'cart'],
  ['blame', 'cart', '/items/0', '--json'],
  ['replay', 'cart'],
  ['replay', 'cart', '--json'],
  ['bisect', 'cart', '--bad', '3', '--expr', 'state.total < 0', '--json'],
  ['audit', '--session', 'cart'],
  ['tail', 'cart', '-n', '3'],
  ['audit', '--session', 'cart', '--format', 'csv'],
]

describe('a bundle behind a command', () => {
  test('is read like the store that it is from', async () => {
    const { dir, file } = await makeBundle()
    for (const [command = '', ...args] of READS) {
      const there = await sessionlog([command, file, ...args])
      const here = await sessionlog([command, ...args, '--dir', dir])
      expect(there.stdout).toBe(here.stdout)
      expect(there).toMatchObject({ code: 0, stderr: '' })
      expect(there.stdout).not.toContain('\u001b')
    }
    const other = await sessionlog(['history', '--dir', file, 'cart'])
    expect(other.stdout).toBe((await sessionlog(['history', file, 'cart'])).stdout)
    expect((await sessionlog(['ls', file, '--json'])).json).toMatchObject([{ session: 'cart', version: 5 }])
  })

  test('exports what an import takes', async () => {
    const { file } = await makeBundle('--from', '3')
    const { stdout } = await sessionlog(['export', file])
    const dir = temporary()
    expect(await sessionlog(['import', '-', '--dir', dir], { input: stdout })).toMatchObject({ code: 0 })
    await withStore(dir, async store => {
      expect(store.version('cart')).toBe(3)
      expect(await store.stateAt('cart', { version: 1 })).toMatchObject({ total: -2, items: ['milk'] })
    })
  })

  test('is an id where there is no such file', async () => {
    const dir = temporary()
    await withStore(dir, store => store.save('a.slog', 1))
    expect(await sessionlog(['history', 'a.slog', '--dir', dir, '--json'])).toMatchObject({ code: 0 })
  })

  test('is not there, or is not meant', async () => {
    const { dir, file } = await makeBundle()
    for (const command of ['ls', 'verify', 'stats', 'export', 'audit']) {
      const missing = await sessionlog([command, join(dir, 'no.slog')])
      expect(missing).toMatchObject({ code: 2, stdout: '' })
      expect(missing.stderr).toContain('There is no store in')
    }
    const missing = await sessionlog(['history', join(dir, 'no.slog'), 'cart'])
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toContain('There is no bundle')
    const late = await sessionlog(['history', '--from', '4', file, 'cart'])
    expect(late.stdout).toBe((await sessionlog(['history', file, 'cart', '--from', '4'])).stdout)
    expect(late.code).toBe(0)
    const after = await sessionlog(['history', '--json', file, 'cart'])
    expect(after).toMatchObject({ code: 0 })
    await withStore(dir, store => store.save(file, 1))
    expect((await sessionlog(['history', file, '--json', '--dir', dir])).json).toMatchObject([
      { sessionId: file },
    ])
  })

  test('is not for commands that write', async () => {
    const { file } = await makeBundle()
    for (const command of [['compact'], ['tail', '--follow'], ['bundle', 'cart', '-o', `${file}.2`]])
      expect(await sessionlog([...command, '--dir', file])).toMatchObject({ code: 2, stdout: '' })
    expect((await sessionlog(['compact', '--dir', file])).stderr).toContain('is a file')
  })
})

describe('bundle', () => {
  test('hides what it is told to, and says so', async () => {
    const { dir, file } = await makeBundle('--from', '2', '--redact', '/user', '--omit', 'reason', '--json')
    const { stdout } = await sessionlog(['stats', file])
    expect(stdout).toMatch(/redacted\s+\/user, data, reason: in 3 events/)
    expect(stdout).toMatch(/cart {2}versions 2 to 5/)
    const history = await sessionlog(['history', file, 'cart', '--json'])
    expect(history.stdout + (await sessionlog(['replay', file, 'cart', '--json'])).stdout).not.toContain(
      'Ann Lee',
    )
    expect(history.json.map(({ version, redacted, reason }) => [version, redacted, reason])).toEqual([
      [2, true, undefined],
      [3, undefined, undefined],
      [4, true, undefined],
      [5, true, undefined],
    ])
    const kept = join(dir, 'kept.slog')
    await sessionlog(['bundle', 'cart', '-o', kept, '--dir', dir, '--redact', '/user', '--keep-data'])
    expect((await sessionlog(['history', kept, 'cart', '--json'])).json[0].data).toEqual({ by: 'Ann Lee' })
  })

  test('refuses wrong options, and a session that is not there', async () => {
    const { dir } = await makeBundle()
    const file = join(dir, 'none.slog')
    const refusals: [string[], number][] = [
      [['bundle', 'none', '-o', file], 1],
      [['bundle', 'cart', '-o', file, '--from', '9'], 1],
      [['bundle', 'cart', 'other', '-o', file, '--from', '1'], 2],
      [['bundle', 'cart', '-o', file, '--redact', 'user'], 2],
      [['bundle', 'cart', '-o', file, '--omit', 'type'], 2],
      [['bundle', 'cart', '-o', file, '--keep-data', '--redact-data', '/x'], 2],
      [['bundle', 'cart', '-o', join(dir, 'no', 'where')], 7],
      [['bundle', 'cart'], 2],
    ]
    for (const [args, code] of refusals)
      expect(await sessionlog([...args, '--dir', dir])).toMatchObject({ code, stdout: '' })
    expect(existsSync(file)).toBe(false)
  })

  test('is signed by a key, and verified with its other half', async () => {
    const { dir } = await makeBundle()
    const { skey, vkey } = generateKey('store.example')
    writeFileSync(join(dir, 'key'), skey, { mode: 0o600 })
    const file = join(dir, 'signed.slog')
    await sessionlog(['bundle', 'cart', '-o', file, '--dir', dir, '--key', join(dir, 'key')])
    const verified = await sessionlog(['verify', file, '--key', vkey])
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    expect(verified.stdout).toMatch(/signed\s+yes, by that key[\s\S]*Verified: 5 events/)
    expect((await sessionlog(['verify', file, '--json'])).json).toMatchObject([
      { ok: true, signed: true, counts: { events: 5 } },
    ])
    const other = generateKey('store.example').vkey
    expect(await sessionlog(['verify', file, '--key', other])).toMatchObject({ code: 1, stdout: '' })
    const bytes = readFileSync(file)
    bytes[bytes.length - 20]! ^= 1
    writeFileSync(file, bytes)
    for (const command of [
      ['verify', file],
      ['history', file, 'cart'],
      ['import', file, '--dir', temporary()],
    ])
      expect(await sessionlog(command)).toMatchObject({ code: 4, stdout: '' })
    expect((await sessionlog(['verify', file, '--json'])).json).toMatchObject([
      { ok: false, problems: [{ code: 'SESSIONLOG_CORRUPTION', path: file }] },
    ])
  })
})

describe('import', () => {
  test('takes a bundle in, whatever its name, once', async () => {
    const { dir, file } = await makeBundle('--to', '3')
    const into = temporary()
    const named = join(dir, 'some file')
    writeFileSync(named, readFileSync(file))
    expect(await sessionlog(['import', named, '--dir', into])).toMatchObject({
      code: 0,
      stdout: 'Imported 3 events of 1 session\n',
    })
    expect((await sessionlog(['import', named, '--dir', into])).stdout).toContain(
      '0 events of 1 session, 3 that were there',
    )
    expect((await sessionlog(['import', named, '--dir', into, '--as', 'new', '--json'])).json).toEqual([
      { sessions: 1, events: 3, skipped: 0 },
    ])
    expect(await sessionlog(['import', named, '--dir', dir])).toMatchObject({ code: 5, stdout: '' })
    await withStore(into, async store => {
      const events = await all(store.history('new'))
      expect(events.map(({ importedFrom }) => importedFrom?.version)).toEqual([1, 2, 3])
    })
    const lines = { input: '{"session":"a","state":1}\n' }
    expect(await sessionlog(['import', '-', '--as', 'b', '--dir', into], lines)).toMatchObject({ code: 2 })
  })
})
