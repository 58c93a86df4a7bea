import { once } from 'node:events'
import { firstValueFrom, toArray } from 'rxjs'
import { expect, test } from 'vitest'
import { KEY_HELP } from '../../src/cli/player-keys.ts'
import { outcomeOf, sessionlog, start, temporary, withStore } from './cli.ts'

const HOUR_MS = 3_600_000

/** Four events, an hour between each. */
async function makeStore(): Promise<string> {
  const dir = temporary()
  let now = Date.UTC(2024, 1, 29)
  const clock = () => now
  await withStore(
    dir,
    async store => {
      for (const [n, actor] of ['ann', 'ben', 'ann'].entries()) {
        await store.save('cart', { n }, { actor, reason: `step ${n}` })
        now += HOUR_MS
      }
      await store.delete('cart')
    },
    { clock },
  )
  return dir
}

test('replay tells each event, and what it changed', async () => {
  const { code, stdout } = await sessionlog(['replay', 'cart', '--dir', await makeStore()])
  expect(code).toBe(0)
  expect(stdout.trimEnd().split('\n')).toEqual([
    '1  2024-02-29 00:00:00Z  ann  saved  step 0  + {"n":0}',
    '2  2024-02-29 01:00:00Z  ben  saved  step 1  /n: 0 → 1',
    '3  2024-02-29 02:00:00Z  ann  saved  step 2  /n: 1 → 2',
    '4  2024-02-29 03:00:00Z  deleted  deleted',
  ])
})

test("replay --json gives the API's steps", async () => {
  const dir = await makeStore()
  const { json } = await sessionlog(['replay', 'cart', '--from', '2', '--to', '9', '--json', '--dir', dir])
  await withStore(dir, async store =>
    expect(json).toEqual(await firstValueFrom(store.replay('cart', { from: 2 }).pipe(toArray()))),
  )
  await withStore(dir, store => store.save('cart', { when: new Date(0) }))
  const tagged = await sessionlog(['replay', 'cart', '--from', '5', '--json', '--dir', dir])
  expect(tagged.json).toMatchObject([
    { encoding: 'tagged', after: { when: { $date: '1970-01-01T00:00:00.000Z' } } },
  ])
})

test('replay --speed passes the time between events, and shows each when its time has come', async () => {
  const dir = await makeStore()
  const fast = await sessionlog(['replay', 'cart', '--speed', '1e9', '--json', '--dir', dir])
  expect(fast.json.map(step => step.event.version)).toEqual([1, 2, 3, 4])
  const child = start('src/cli/main.ts', ['replay', 'cart', '--speed', '1', '--json', '--dir', dir])
  const shown = once(child.stdout!, 'data')
  const outcome = outcomeOf(child)
  await shown
  child.kill('SIGINT')
  const { code, json } = await outcome
  expect(code).toBe(130)
  expect(json).toMatchObject([{ event: { version: 1 } }])
})

test('replay --help lists the keys of the player', async () => {
  const { code, stdout } = await sessionlog(['replay', '--help'])
  expect(code).toBe(0)
  for (const line of KEY_HELP) expect(stdout).toContain(line)
})

test.each([
  [['none'], 1],
  [['cart', '--from', '9'], 1],
  [['cart', '--from', '3', '--to', '2'], 2],
  [['cart', '--speed', '0'], 2],
  [['cart', '--speed', 'fast'], 2],
  [[], 2],
])('replay %j ends with %i', async (args, expected) => {
  const { code, stdout } = await sessionlog(['replay', ...args, '--dir', await makeStore()])
  expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
})
