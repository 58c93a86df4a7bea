import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sessionlog, temporary, withStore } from './cli.ts'

/** Two sessions that a reducer made, and one where it was another one at version 2. */
async function makeStore(): Promise<{ dir: string; folder: string }> {
  const folder = temporary()
  const dir = join(folder, 'data')
  await withStore(dir, async store => {
    for (const id of ['a', 'b', 'odd\u001b[31m']) {
      await store.save(id, { total: 1 }, { type: 'added', data: { by: 1 } })
      const total = id.startsWith('odd') ? 9 : 3
      await store.save(id, { total }, { type: 'added', data: { by: 2 } })
    }
  })
  writeFileSync(
    join(folder, 'reducer.mjs'),
    'export const reducer = (state, { data }) => ({ total: (state?.total ?? 0) + data.by })',
  )
  return { dir, folder }
}

test('replay --check ends with 0 where the reducer makes what was recorded', async () => {
  const { dir, folder } = await makeStore()
  const check = ['--check', join(folder, 'reducer.mjs'), '--dir', dir]
  const { code, stdout } = await sessionlog(['replay', 'a', 'b', ...check])
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Checked 4 events of 2 sessions: none diverged\n' })
  expect((await sessionlog(['replay', 'a', '--json', ...check])).json).toEqual([
    { session: 'a', ok: true, checked: 2, skipped: 0 },
  ])
})

test('replay --check of all says what diverges first, and ends with 1', async () => {
  const { dir, folder } = await makeStore()
  const check = ['--check', join(folder, 'reducer.mjs'), '--dir', dir]
  const { code, stdout } = await sessionlog(['replay', ...check])
  expect(code).toBe(1)
  expect(stdout).toContain('odd\\u{1b}[31m: version 2, added')
  expect(stdout).toContain('/total: 9 → 3')
  expect(stdout).toContain('Checked 6 events of 3 sessions: 1 diverged')
  expect((await sessionlog(['replay', '--to', '1', ...check])).code).toBe(0)
  const { json } = await sessionlog(['replay', '--json', ...check])
  expect(json.filter(each => !each.ok)).toMatchObject([
    { divergence: { version: 2, expected: { total: 9 }, actual: { total: 3 } } },
  ])
})

test('replay --check takes a reducer that throws for a divergence, and what is no reducer for wrong usage', async () => {
  const { dir, folder } = await makeStore()
  const run = (source: string, ...args: string[]) => {
    writeFileSync(join(folder, 'other.mjs'), source)
    return sessionlog(['replay', ...args, '--check', join(folder, 'other.mjs'), '--dir', dir])
  }
  const thrown = await run('export default () => { throw new Error("boom") }', 'a')
  expect(thrown).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('the reducer failed: Error: boom'),
  })
  expect((await run('export const x = 1', 'a')).code).toBe(2)
  expect((await run('syntax error', 'a')).code).toBe(2)
  expect((await run('export default s => s', 'nobody')).code).toBe(1)
  expect((await run('export default s => s', 'a', '--speed', '2')).code).toBe(2)
  expect((await sessionlog(['replay', '--dir', dir])).code).toBe(2)
  expect((await sessionlog(['replay', 'a', 'b', '--dir', dir])).code).toBe(2)
})
