import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { outcomeOf, sessionlog, start, temporary, withStore } from './cli.ts'

const BAD = 27

/** A cart of 40 versions whose total goes below zero at version 27, and stays there. */
async function makeStore(count = 40, bad = BAD): Promise<string> {
  const dir = temporary()
  await withStore(dir, async store => {
    for (let n = 1; n <= count; n++) {
      const state = { total: n < bad ? n : -n, ...(n === bad && { when: new Date(0) }) }
      void store.save('cart', state, { actor: `user-${n}`, reason: `step ${n}` })
    }
  })
  return dir
}

const bisect = (dir: string, ...args: string[]) => sessionlog(['bisect', 'cart', ...args, '--dir', dir])

describe('bisect --expr', () => {
  test('names the event with its changes, actor and reason, and how many evaluations it took', async () => {
    const { code, stdout, stderr } = await bisect(await makeStore(), '--expr', 'state.total < 0')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^version +27$/m)
    expect(stdout).toMatch(/^who +user-27$/m)
    expect(stdout).toMatch(/^why +step 27$/m)
    expect(stdout).toMatch(/^what changed +\/total: 26 → -27$/m)
    expect(stdout).toMatch(/^evaluations +\d+$/m)
    expect(stdout).not.toMatch(/candidates|doubtful/)
  })

  test("--json gives the API's answer, values that JSON lacks in their tagged form", async () => {
    const dir = await makeStore()
    const { json } = await bisect(dir, '--expr', 'state.total < -29 // a comment', '--json')
    await withStore(dir, async store => {
      const found = await store.bisect('cart', state => (state as { total: number }).total < -29)
      // The changes are the event's.
      const { changes: _, ...said } = found
      expect(json).toEqual([{ session: 'cart', ...said }])
    })
    const tagged = await bisect(dir, '--expr', 'state.when?.getTime() === 0', '--bad', '27', '--json')
    expect(tagged.json).toMatchObject([
      { version: 27, encoding: 'tagged', after: { when: { $date: '1970-01-01T00:00:00.000Z' } } },
    ])
  })

  test('sees the event too, may await, and may skip', async () => {
    const dir = await makeStore()
    const actor = await bisect(dir, '--expr', "event.actor >= 'user-8'", '--good', '10', '--json')
    expect(actor.code).toBe(1)
    const awaited = await bisect(dir, '--expr', 'await Promise.resolve(event.version > 30)', '--json')
    expect(awaited.json[0].version).toBe(31)
    const skipped = await bisect(
      dir,
      '--expr',
      "[25, 26, 27].includes(event.version) ? 'skip' : state.total < 0",
    )
    expect(skipped.stdout).toMatch(/^version +28$/m)
    expect(skipped.stdout).toMatch(/^candidates +25, 26, 27, 28:/m)
  })

  test('keeps to --good, --bad and --skip', async () => {
    const { json } = await bisect(
      await makeStore(),
      ...['--expr', 'state.total < 0', '--good', '20', '--bad', '30', '--skip', '26,27', '--json'],
    )
    expect(json[0]).toMatchObject({ version: 28, candidates: [26, 27, 28] })
    for (const { version } of json[0].evaluations) {
      expect(version).toBeGreaterThanOrEqual(20)
      expect(version).toBeLessThanOrEqual(30)
      expect([26, 27]).not.toContain(version)
    }
  })

  test('says where what it saw contradicts itself', async () => {
    const { code, stdout } = await bisect(
      await makeStore(),
      '--expr',
      'state.total < 0 && event.version !== 35',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^doubtful .*version 35 it is false$/m)
  })

  test.each([
    ['where the bad end is good', 1, ['--expr', 'false'], 'SESSIONLOG_BISECT_REFUSED'],
    ['where the good end is bad', 1, ['--expr', 'true', '--good', '5'], 'SESSIONLOG_BISECT_REFUSED'],
    ['for a version that is not there', 1, ['--expr', 'true', '--bad', '99'], 'SESSIONLOG_VERSION_NOT_FOUND'],
    ['for what is no expression', 2, ['--expr', 'state.'], 'SESSIONLOG_INVALID_ARGUMENT'],
    ['for a statement', 2, ['--expr', 'return 1'], 'SESSIONLOG_INVALID_ARGUMENT'],
    ['for nothing', 2, ['--expr', ''], 'SESSIONLOG_INVALID_ARGUMENT'],
    ['for an expression that throws', 2, ['--expr', 'state.a.b'], 'SESSIONLOG_INVALID_ARGUMENT'],
    ['for one that changes the state', 2, ['--expr', 'state.total = 1'], 'SESSIONLOG_INVALID_ARGUMENT'],
    ['without a predicate', 2, [], 'SESSIONLOG_INVALID_ARGUMENT'],
    ['with two', 2, ['--expr', 'true', '--run', 'true'], 'SESSIONLOG_INVALID_ARGUMENT'],
    ['for a skip that is no list', 2, ['--expr', 'true', '--skip', '1,x'], 'SESSIONLOG_INVALID_ARGUMENT'],
  ])('%s it ends with %i', async (_, code, args, error) => {
    const outcome = await bisect(await makeStore(5, 3), ...args)
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toMatch(new RegExp(`^sessionlog: .*\\(${error}\\)\n$`))
  })
})

/** A script that ends with the first code where the total is below zero, and with the second elsewhere. */
const CHECK = `
let text = ''
for await (const chunk of process.stdin) text += chunk
const { total } = JSON.parse(text)
console.log('version', process.env.SESSIONLOG_VERSION, process.env.SESSIONLOG_ENCODING)
const code = process.argv[total < 0 ? 2 : 3]
if (code.startsWith('SIG')) process.kill(process.pid, code)
else process.exit(Number(code))
`

function checker(dir: string): (...codes: string[]) => string {
  const path = join(dir, 'check.mjs')
  writeFileSync(path, CHECK)
  return (...codes) => `"${process.execPath}" "${path}" ${codes.join(' ')}`
}

describe('bisect --run', () => {
  test.each(['1', '2', '124', '126', '127'])('takes %s for bad, and 0 for good', async bad => {
    const dir = await makeStore()
    const { code, json, stderr } = await bisect(dir, '--run', checker(dir)(bad, '0'), '--json')
    expect(code).toBe(0)
    expect(json[0]).toMatchObject({ version: BAD, event: { actor: 'user-27' }, contradictions: [] })
    // What the script prints is no data of ours.
    expect(stderr).toContain('version 40 json')
    expect(stderr).toContain('version 27 tagged')
    expect(stderr.includes('was it found')).toBe(Number(bad) > 125)
  })

  test('takes 125 for a version to skip', async () => {
    const dir = await makeStore(8, 6)
    const { code, json } = await bisect(dir, '--run', checker(dir)('1', '125'), '--json')
    expect(code).toBe(0)
    expect(json[0]).toMatchObject({ version: 6, candidates: [1, 2, 3, 4, 5, 6] })
  })

  test.each(['128', '255', 'SIGKILL'])('ends at %s with 2', async how => {
    const dir = await makeStore(8, 6)
    const { code, stdout, stderr } = await bisect(dir, '--run', checker(dir)(how, '0'))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('at version 8')
  })

  test('minds a command that reads nothing as little as one that is not there', async () => {
    const dir = await makeStore(3, 2)
    const large = { text: 'x'.repeat(1_000_000) }
    await withStore(dir, store => store.save('large', large))
    const deaf = await sessionlog(['bisect', 'large', '--run', 'exit 1', '--json', '--dir', dir])
    expect(deaf).toMatchObject({ code: 0, stderr: '' })
    const absent = await bisect(dir, '--run', 'no-such-command-anywhere', '--json')
    expect(absent.stderr).toContain('was it found')
  })

  test('stops at Ctrl-C, and the command with it', async () => {
    const dir = await makeStore(3, 2)
    writeFileSync(join(dir, 'hang.mjs'), "console.log('hangs'); setInterval(() => {}, 1000)")
    const command = `"${process.execPath}" "${join(dir, 'hang.mjs')}"`
    const child = start('src/cli/main.ts', ['bisect', 'cart', '--run', command, '--dir', dir])
    const outcome = outcomeOf(child)
    let seen = ''
    while (!seen.includes('hangs')) seen += String((await once(child.stderr!, 'data'))[0])
    child.kill('SIGINT')
    const { code, stdout, stderr } = await outcome
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toContain('(SIGINT)')
  })
})

test('bisect finds an event among 20,000 in about log2 of them', async () => {
  const dir = await makeStore(20_000, 12_345)
  const { code, json } = await bisect(dir, '--expr', 'state.total < 0', '--json')
  expect(code).toBe(0)
  expect(json[0].version).toBe(12_345)
  expect(json[0].evaluations.length).toBeLessThan(25)
})
