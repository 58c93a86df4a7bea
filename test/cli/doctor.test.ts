import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hashOf } from '../support/salvaged.ts'
import { StoreProcess } from '../support/workers.ts'
import { sessionlog, temporary, withStore } from './cli.ts'

/** A store with snapshots, and events behind them. */
async function makeStore(): Promise<string> {
  const dir = join(temporary(), 'data')
  await withStore(dir, async store => {
    await store.save('cart-42', { items: ['tea'] }, { actor: 'ada' })
    await store.save('cart-7', { items: [] })
    await store.compact()
    await store.save('cart-42', { items: ['tea', 'milk'] }, { actor: 'bob' })
  })
  return dir
}

const tableOf = (dir: string) => {
  const names = readdirSync(join(dir, 'log')).filter(name => name.endsWith('.ldb'))
  const sizeOf = (name: string) => statSync(join(dir, 'log', name)).size
  return join(dir, 'log', names.sort((a, b) => sizeOf(b) - sizeOf(a))[0]!)
}

/** Opened and closed, LevelDB puts all that it has into tables. */
const settle = (dir: string) => withStore(dir, async store => store.get('cart-42'))

test('doctor says of a store that is whole that it is, and ends with 0', async () => {
  const dir = await makeStore()
  const before = hashOf(dir)
  const { code, stdout } = await sessionlog(['doctor', '--dir', dir, '--deep'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^origin +[0-9a-f-]{36}\nsessions +2\nevents +3\nroot +[0-9a-f]{64}\n/)
  expect(stdout).toContain('ok       The log opens: 2 sessions, 3 events')
  expect(stdout).toContain('1 event came later')
  expect(stdout).not.toMatch(/^(note|problem)/m)
  expect(hashOf(dir)).toBe(before)
})

test('doctor tells what is wrong in a line each, with what to do, and ends with 4', async () => {
  const dir = await makeStore()
  rmSync(join(dir, 'sessions_v3', 'cart-7.json'))
  const { code, stdout } = await sessionlog(['doctor', '--dir', dir])
  expect(code).toBe(4)
  const problems = stdout.split('\n').filter(line => line.startsWith('problem'))
  expect(problems).toEqual([
    `problem  The snapshot ${join(dir, 'sessions_v3', 'cart-7.json')} is missing → sessionlog compact --full --dir ${dir}`,
  ])
  expect((await sessionlog(['compact', '--full', '--dir', dir])).code).toBe(0)
  expect((await sessionlog(['doctor', '--dir', dir])).code).toBe(0)
  const json = await sessionlog(['doctor', '--dir', dir, '--json'])
  expect(json.json).toMatchObject([{ ok: true, sessions: 2, head: { position: 3 }, sizes: { log: {} } }])
})

test('doctor ends with 2 where there is no store, and makes none', async () => {
  const place = temporary()
  writeFileSync(join(place, 'file'), '')
  for (const name of ['gone', 'file', '.']) {
    const { code, stdout } = await sessionlog(['doctor', '--dir', join(place, name)])
    expect({ code, stdout }).toEqual({ code: 2, stdout: expect.stringMatching(/^problem /) })
    expect((await sessionlog(['doctor', '--dir', join(place, name), '--json'])).json).toMatchObject([
      { isStore: false, ok: false },
    ])
  }
  expect(readdirSync(place)).toEqual(['file'])
})

test('doctor ends with 0 where a process holds the store, and with 3 where that one is stopped', async () => {
  const dir = await makeStore()
  const owner = await StoreProcess.open(dir)
  const running = await sessionlog(['doctor', '--dir', dir])
  expect(running).toMatchObject({ code: 0, stdout: expect.stringContaining('and answers') })
  const to = join(temporary(), 'new')
  const refused = await sessionlog(['doctor', '--dir', dir, '--rebuild', to])
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('SESSIONLOG_LOCKED') })
  owner.signal('SIGSTOP')
  const stopped = await sessionlog(['doctor', '--dir', dir])
  expect(stopped).toMatchObject({ code: 3, stdout: expect.stringContaining('kill -CONT') })
  await owner.kill()
  expect((await sessionlog(['doctor', '--dir', dir])).code).toBe(0)
})

test('doctor --rebuild makes a store of what is left, says what is lost, and ends with 4; with a backup nothing is', async () => {
  const dir = await makeStore()
  const backup = join(temporary(), 'backup')
  expect((await sessionlog(['backup', backup, '--dir', dir])).code).toBe(0)
  await settle(dir)
  rmSync(tableOf(dir))
  expect((await sessionlog(['ls', '--dir', dir])).code).toBe(4)
  const before = hashOf(dir)
  const told = await sessionlog(['doctor', '--dir', dir])
  expect(told.code).toBe(4)
  expect(told.stdout).toContain(`sessionlog doctor --dir ${dir} --rebuild NEW [--backup BACKUP]`)

  const poor = join(temporary(), 'poor')
  const lost = await sessionlog(['doctor', '--dir', dir, '--rebuild', poor])
  expect(lost.code).toBe(4)
  expect(lost.stdout).toMatch(/^Saved 2 sessions/)
  expect(lost.stdout).toMatch(/^ {2}'cart-42': versions 1.*its state is that of version/m)
  expect(lost.stdout).toMatch(/no event was found of \d position/)
  const again = join(temporary(), 'again')
  const json = await sessionlog(['doctor', '--dir', dir, '--rebuild', again, '--json'])
  expect(json.code).toBe(4)
  expect(json.json).toMatchObject([
    { ok: false, sessions: 2, losses: expect.any(Array), missing: expect.any(Array) },
  ])

  const rich = join(temporary(), 'rich')
  const saved = await sessionlog(['doctor', '--dir', dir, '--rebuild', rich, '--backup', backup])
  expect(saved).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing is lost') })
  for (const place of [poor, again, rich]) {
    expect((await sessionlog(['verify', '--dir', place])).code).toBe(0)
    expect((await sessionlog(['doctor', '--deep', '--dir', place])).code).toBe(0)
  }
  expect((await sessionlog(['show', 'cart-42', '--dir', rich, '--json'])).stdout).toContain('milk')
  expect(hashOf(dir)).toBe(before)
})

test('doctor --rebuild refuses a place that is not empty, a directory without a store, and --backup alone', async () => {
  const dir = await makeStore()
  const full = temporary()
  writeFileSync(join(full, 'file'), '')
  const to = join(full, 'new')
  const wrong: string[][] = [
    ['--dir', dir, '--rebuild', full],
    ['--dir', full, '--rebuild', to],
    ['--dir', join(full, 'gone'), '--rebuild', to],
    ['--dir', dir, '--rebuild', join(dir, 'new')],
    ['--dir', dir, '--rebuild', to, '--backup', full],
    ['--dir', dir, '--backup', full],
  ]
  for (const args of wrong) expect((await sessionlog(['doctor', ...args])).code, args.join(' ')).toBe(2)
  expect(existsSync(to)).toBe(false)
})

test('doctor names a torn end of the log; what the restored store lacks is what the report says', async () => {
  const dir = await makeStore()
  const log = readdirSync(join(dir, 'log')).find(name => name.endsWith('.log'))!
  truncateSync(join(dir, 'log', log), statSync(join(dir, 'log', log)).size - 3)
  const { code, stdout } = await sessionlog(['doctor', '--dir', dir])
  expect(code).toBe(4)
  expect(stdout).toMatch(/^problem {2}The log has 2 events, and once had 3/m)
  const to = join(temporary(), 'new')
  const { json } = await sessionlog(['doctor', '--dir', dir, '--rebuild', to, '--json'])
  expect(json).toMatchObject([{ ok: false, kept: 2, missing: [{ from: 3, to: 3 }] }])
  await withStore(to, async store => expect(store.get('cart-42')).toEqual({ items: ['tea'] }))
})
