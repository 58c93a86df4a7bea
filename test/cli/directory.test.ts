import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { spell } from '../state/exact.ts'
import { all, sessionlog, temporary, withStore } from './cli.ts'

const STATES: Record<string, unknown> = {
  plain: { cart: ['tea'] },
  'long/path/to/Ünïcode': 'text',
  rich: { when: new Date(0), map: new Map([[1, new Set([2])]]) },
}

/** A store with snapshots; answers with its origin. */
async function makeStore(dir: string): Promise<string> {
  return withStore(dir, async store => {
    for (const [id, state] of Object.entries(STATES)) {
      await store.save(id, 'before')
      await store.save(id, state)
    }
    await store.compact()
    return store.origin
  })
}

async function expectStates(dir: string, states = STATES): Promise<void> {
  await withStore(dir, async store => {
    expect([...store.ids()].sort()).toEqual(Object.keys(states).sort())
    for (const [id, state] of Object.entries(states)) expect(spell(store.get(id))).toBe(spell(state))
    const { ok, problems } = await store.verify()
    expect({ ok, problems }).toEqual({ ok: true, problems: [] })
  })
}

test('import of the snapshots of a lost log, where they lie, brings the states back and keeps the files', async () => {
  const dir = temporary()
  const origin = await makeStore(dir)
  const files = readdirSync(join(dir, 'sessions_v3'))
  rmSync(join(dir, 'log'), { recursive: true })
  const refused = await sessionlog(['ls', '--dir', dir])
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain('SESSIONLOG_EVENTS_MISSING')
  const { code } = await sessionlog(['import', join(dir, 'sessions_v3'), '--dir', dir])
  expect(code).toBe(0)
  await expectStates(dir)
  await withStore(dir, async store => {
    expect(store.origin).not.toBe(origin)
    const [event] = await all(store.history('plain'))
    expect(event).toMatchObject({
      version: 1,
      type: 'imported',
      data: { origin, version: 2, position: 2, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
  })
  const kept = readdirSync(dir).find(name => name.startsWith('sessions_v3-imported-'))
  expect(readdirSync(join(dir, kept!))).toEqual(files)
  expect((await sessionlog(['verify', '--dir', dir])).code).toBe(0)
  expect((await sessionlog(['import', join(dir, 'sessions_v3'), '--dir', dir])).code).toBe(5)
})

test('import of a folder of the Python store, where it lies, makes a store of it', async () => {
  const dir = temporary()
  const folder = join(dir, 'sessions_v3')
  mkdirSync(join(folder, 'subfolder'), { recursive: true })
  writeFileSync(join(folder, 'User 1.json'), '{"cart": [1, 2], "name": "Zo\\u00eb"}')
  writeFileSync(join(folder, 'User 1.json.0123456789abcdef.tmp'), '{"ca')
  writeFileSync(join(folder, 'notes.txt'), 'nothing')
  expect((await sessionlog(['import', folder, '--dir', dir])).code).toBe(0)
  await expectStates(dir, { 'User 1': { cart: [1, 2], name: 'Zoë' } })
})

test('import of a mixed folder names the damaged file, and takes the others with --keep-going', async () => {
  const [source, dir] = [temporary(), temporary()]
  await makeStore(source)
  const folder = join(source, 'sessions_v3')
  writeFileSync(join(folder, 'python.json'), '[1]')
  writeFileSync(join(folder, 'twice.json'), readFileSync(join(folder, 'plain.json')))
  writeFileSync(join(folder, 'torn.json'), readFileSync(join(folder, 'rich.json')).subarray(0, 200))
  writeFileSync(join(folder, 'half.json'), '{"format":0,"origin":"o","sessionId":"half","version":1}')
  const refused = await sessionlog(['import', folder, '--dir', dir, '--json'])
  expect(refused.code).toBe(5)
  expect(refused.json[0].problems.map((problem: { place: string }) => problem.place)).toEqual([
    'half.json',
    'torn.json',
    'twice.json',
  ])
  expect(readdirSync(dir)).toEqual([])
  const kept = await sessionlog(['import', folder, '--dir', dir, '--json', '--keep-going'])
  expect(kept.code).toBe(6)
  expect(kept.json).toMatchObject([{ saved: 4, refused: 3 }])
  await expectStates(dir, { ...STATES, python: [1] })
})

test('import of a folder into a store that holds something else is refused', async () => {
  const [source, dir] = [temporary(), temporary()]
  await makeStore(source)
  await withStore(dir, store => store.save('mine', 1))
  const { code, stderr } = await sessionlog(['import', join(source, 'sessions_v3'), '--dir', dir])
  expect(code).toBe(5)
  expect(stderr).toContain('SESSIONLOG_IMPORT_REJECTED')
  await expectStates(dir, { mine: 1 })
})

test('import of a folder that was interrupted goes on where it was', async () => {
  const [source, dir] = [temporary(), temporary()]
  await makeStore(source)
  const folder = join(source, 'sessions_v3')
  const all = readdirSync(folder).map(name => [name, readFileSync(join(folder, name))] as const)
  rmSync(join(folder, all[0]![0]))
  expect((await sessionlog(['import', folder, '--dir', dir])).code).toBe(0)
  writeFileSync(join(folder, all[0]![0]), all[0]![1])
  const { code, json } = await sessionlog(['import', folder, '--dir', dir, '--json'])
  expect(code).toBe(0)
  expect(json).toMatchObject([{ saved: 1, skipped: 2 }])
  await expectStates(dir)
})

test('import of snapshots of several schemas keeps each', async () => {
  const [source, dir] = [temporary(), temporary()]
  for (const [id, schemaVersion] of [
    ['z-first', 1],
    ['a-second', 2],
  ] as const) {
    const saveAndCompact = async (store: SessionStore<unknown>) => {
      await store.save(id, { schemaVersion })
      await store.compact()
    }
    await withStore(source, saveAndCompact, { schemaVersion })
  }
  const folder = join(source, 'sessions_v3')
  writeFileSync(join(folder, 'bad.json'), '{')
  expect((await sessionlog(['import', folder, '--dir', dir, '--keep-going'])).code).toBe(6)
  await withStore(dir, async store => {
    const events = await all(store.events())
    expect(events.map(event => [event.sessionId, event.schemaVersion])).toEqual([
      ['z-first', 1],
      ['a-second', 2],
    ])
  })
})

test('a file where the directory should be is no store', async () => {
  const dir = join(temporary(), 'file')
  writeFileSync(dir, 'text')
  for (const command of ['ls', 'compact', 'verify']) {
    expect((await sessionlog([command, '--dir', dir])).code).toBe(2)
  }
  expect(readFileSync(dir, 'utf8')).toBe('text')
})

test('import of the snapshots of a lost log tells which events are in none of them', async () => {
  const dir = temporary()
  await makeStore(dir)
  await withStore(dir, async store => {
    await store.save('plain', 'after the compaction')
    await store.delete('rich')
  })
  rmSync(join(dir, 'log'), { recursive: true })
  const { code, json, stderr } = await sessionlog([
    'import',
    join(dir, 'sessions_v3'),
    '--dir',
    dir,
    '--json',
  ])
  expect(code).toBe(6)
  expect(json).toMatchObject([{ saved: 3, refused: 0, lost: { from: 7, to: 8 } }])
  expect(stderr).toContain('Events 7 to 8 came after the snapshots')
  expect(stderr).toContain('SESSIONLOG_EVENTS_MISSING')
  await expectStates(dir)
})

test('a compaction that wrote every snapshot leaves nothing to tell of, also after a reopen and a delete', async () => {
  const dir = temporary()
  await makeStore(dir)
  await withStore(dir, async store => {
    await store.delete('rich')
    await store.compact()
  })
  await withStore(dir, async store => store.get('plain'))
  rmSync(join(dir, 'log'), { recursive: true })
  const { code, json } = await sessionlog(['import', join(dir, 'sessions_v3'), '--dir', dir, '--json'])
  expect(code).toBe(0)
  expect(json[0]).not.toHaveProperty('lost')
})

test('import of a directory without session files is refused', async () => {
  const [folder, dir] = [temporary(), join(temporary(), 'store')]
  writeFileSync(join(folder, 'notes.txt'), 'text')
  const { code, stderr } = await sessionlog(['import', folder, '--dir', dir])
  expect(code).toBe(2)
  expect(stderr).toContain('holds no session file')
  expect(existsSync(dir)).toBe(false)
})
