import { expect, test } from 'vitest'
import { sessionlog, temporary, withStore } from './cli.ts'

/** A store whose policy lets go of all but the last five events of a session. */
async function makeStore(prune: object | false = { keepLast: 5 }): Promise<string> {
  const dir = temporary()
  await withStore(
    dir,
    async store => {
      for (let n = 1; n <= 40; n++) await store.save('cart', { n, text: 'text '.repeat(n) }, { actor: 'ada' })
    },
    { prune },
  )
  return dir
}

const run = (dir: string, ...args: string[]) => sessionlog([...args, '--dir', dir])

test('archive, hold and prune say what they did', async () => {
  const dir = await makeStore()
  expect((await run(dir, 'archive', '--keep-last', '2')).stdout).toMatch(
    /^Archived \d+ events of 1 session, .* to .* in /,
  )
  expect((await run(dir, 'archive', '--keep-last', '2', '--quiet')).stdout).toBe('')
  const held = await run(dir, 'hold', 'cart', '--actor', 'counsel', '--reason', 'case 7')
  expect(held.stdout).toBe("Session 'cart' is held: none of it is pruned\n")
  expect((await run(dir, 'hold', 'cart')).stdout).toContain('(it was so already)')
  const spared = await run(dir, 'prune')
  expect(spared.stdout).toMatch(/^Destroyed 0 events of 0 sessions, 1 session under legal hold left alone/)
  await run(dir, 'hold', 'cart', '--off')
  const dry = JSON.parse((await run(dir, 'prune', '--dry-run', '--json')).stdout)
  expect(dry).toMatchObject({ dryRun: true, sessions: 1, held: 0, policy: { keepLast: 5 }, problems: [] })
  const pruned = await run(dir, 'prune', '--actor', 'dpo', '--reason', 'retention', '--json')
  expect(JSON.parse(pruned.stdout)).toMatchObject({ dryRun: false, events: dry.events })
  const history = await run(dir, 'history', 'cart', '--json')
  const events = history.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(events[0].version).toBe(dry.events + 2)
  expect(events.at(-1)).toMatchObject({ type: '$pruned', actor: 'dpo', reason: 'retention' })
  expect(await run(dir, 'history', 'cart', '--from', '1')).toMatchObject({ code: 1 })
  expect(await run(dir, 'verify')).toMatchObject({ code: 0 })
  for (const args of [['export'], ['replay', 'cart', '--json']]) {
    const { code, json } = await run(dir, ...args)
    expect([code, json.length]).toEqual([0, events.length])
  }
})

test.each([
  [['archive'], 2],
  [['archive', '--older-than', 'soon'], 2],
  [['archive', '--keep-last', '-1'], 2],
  [['hold', 'nobody'], 1],
  [['hold'], 2],
])('%j ends with %i', async (args, exitCode) => {
  const failed = await run(await makeStore(), ...args)
  expect(failed).toMatchObject({ code: exitCode, stdout: '' })
  expect(failed.stderr).toMatch(/^sessionlog: .*\(SESSIONLOG_\w+\)\n/)
})

test('prune without a policy ends with 5', async () => {
  const failed = await run(await makeStore(false), 'prune')
  expect(failed).toMatchObject({ code: 5, stdout: '' })
  expect(failed.stderr).toContain('SESSIONLOG_POLICY_VIOLATED')
})
