import { spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { sessionlog, temporary, withStore } from './cli.ts'

/** As it is when the bug is there, and as it is when it is mended. */
const reducer = (floor: string) => `export default function reducer(state, { type, data }) {
  return { ...state, total: ${floor}, log: [...state.log, type] }
}`
const BROKEN = 'state.total - data.by'
const MENDED = 'Math.max(0, state.total - data.by)'

/** A project with a store whose cart goes below zero at version 3. */
async function makeProject(): Promise<string> {
  const project = temporary()
  await withStore(join(project, 'data'), async store => {
    const states = [
      { total: 5, log: [], 'odd key': new Map([[1n, new Date(0)]]) },
      { total: 3, log: ['paid'], 'odd key': new Map([[1n, new Date(0)]]) },
      { total: -1, log: ['paid', 'paid'], 'odd key': new Map([[1n, new Date(0)]]) },
    ]
    await store.save('cart', states[0], { type: 'opened' })
    await store.save('cart', states[1], { type: 'paid', data: { by: 2 } })
    await store.save('cart', states[2], { type: 'paid', data: { by: 4 } })
  })
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'), 'junction')
  writeFileSync(join(project, 'reducer.mjs'), reducer(BROKEN))
  return project
}

const repro = (project: string, ...args: string[]) =>
  sessionlog(['repro', 'cart', ...args, '--dir', 'data'], { cwd: project })

/** Runs a generated test as its owner would. */
function runs(project: string, runner: string, file: string): boolean {
  const {
    NODE_OPTIONS,
    VITEST,
    VITEST_WORKER_ID,
    VITEST_POOL_ID,
    NODE_V8_COVERAGE,
    NODE_TEST_CONTEXT,
    ...env
  } = process.env
  const args =
    runner === 'node'
      ? ['--test', file]
      : [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--root', project, file]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: project,
    env,
    encoding: 'utf8',
  })
  expect(`${stdout}${stderr}`).toMatch(/pass|fail/)
  return status === 0
}

for (const runner of ['vitest', 'node']) {
  test(`with a reducer, for ${runner}: fails where the expression is true, until the bug is mended`, async () => {
    const project = await makeProject()
    const file = 'bug.test.mjs'
    const args = ['--to', '3', '--out', file, '--reducer', 'reducer.mjs', '--runner', runner]
    expect((await repro(project, ...args, '--expr', 'state.total < 0')).code).toBe(0)
    expect(runs(project, runner, file)).toBe(false)
    writeFileSync(join(project, 'reducer.mjs'), reducer(MENDED))
    expect(runs(project, runner, file)).toBe(true)
  })

  test(`with a reducer, for ${runner}: passes while it makes what was recorded`, async () => {
    const project = await makeProject()
    const file = 'same.test.mjs'
    const args = ['--from', '2', '--to', '3', '--out', file, '--reducer', 'reducer.mjs', '--runner', runner]
    expect((await repro(project, ...args)).code).toBe(0)
    expect(runs(project, runner, file)).toBe(true)
    writeFileSync(join(project, 'reducer.mjs'), reducer(MENDED))
    expect(runs(project, runner, file)).toBe(false)
  })

  test(`without a reducer, for ${runner}: holds the fixture, ready for the code under test`, async () => {
    const project = await makeProject()
    expect((await repro(project, '--to', '3', '--out', 'own.test.mjs', '--runner', runner)).code).toBe(0)
    expect(runs(project, runner, 'own.test.mjs')).toBe(false)
    const own = join(project, 'own.test.mjs')
    writeFileSync(
      own,
      readFileSync(own, 'utf8').replace("throw new Error('Call your code here')", 'return recorded'),
    )
    expect(runs(project, runner, 'own.test.mjs')).toBe(true)
    const args = ['--to', '3', '--out', 'bad.test.mjs', '--runner', runner, '--expr', 'state.total < 0']
    expect((await repro(project, ...args)).code).toBe(0)
    expect(runs(project, runner, 'bad.test.mjs')).toBe(false)
  })
}

test('never replaces a file, and refuses what is not there', async () => {
  const project = await makeProject()
  writeFileSync(join(project, 'there.test.mjs'), 'mine')
  expect((await repro(project, '--to', '3', '--out', 'there.test.mjs')).code).toBe(7)
  expect(readFileSync(join(project, 'there.test.mjs'), 'utf8')).toBe('mine')
  expect((await repro(project, '--to', '9', '--out', 'x')).code).toBe(1)
  expect((await repro(project, '--to', '1', '--from', '2', '--out', 'x')).code).toBe(2)
  expect((await repro(project, '--to', '1', '--out', 'x', '--runner', 'jest')).code).toBe(2)
  expect((await repro(project, '--out', 'x')).code).toBe(2)
})
