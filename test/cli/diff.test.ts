import { expect, test } from 'vitest'
import { toJsonPatch } from '../../src/index.ts'
import { sessionlog, temporary, withStore } from './cli.ts'

/** One session beside another, with a Date from its third version on; the last event ends it. */
async function makeStore(): Promise<string> {
  const dir = temporary()
  let now = Date.UTC(2024, 1, 29)
  const clock = () => now
  await withStore(
    dir,
    async store => {
      await store.save('other', 0)
      for (const state of [
        { items: [{ qty: 1 }], note: 'a long note' },
        { items: [{ qty: 2 }, { qty: 5 }], note: 'a very long note' },
        { items: [{ qty: 2 }], when: new Date(0) },
      ]) {
        now += 60_000
        await store.save('cart', state)
      }
      await store.delete('cart')
    },
    { clock },
  )
  return dir
}

test('diff tells each change in words, between versions, times and positions', async () => {
  const dir = await makeStore()
  const expected = '/items/0/qty: 1 → 2\n+/items/1 {"qty":5}\n/note: "a long note" → "a very long note"\n'
  const points = [
    ['1', '2'],
    ['2024-02-29T00:01:59.999Z', '2024-02-29T00:02:00Z'],
    ['@2', '@3'],
  ] as const
  for (const [from, to] of points) {
    const { code, stdout, stderr } = await sessionlog(['diff', 'cart', from, to, '--dir', dir])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: expected, stderr: '' })
  }
  const same = await sessionlog(['diff', 'cart', '2', '@3', '--dir', dir])
  expect(same).toMatchObject({ code: 0, stdout: '' })
})

test("diff --json gives the API's changes, one a line", async () => {
  const dir = await makeStore()
  const { json } = await sessionlog(['diff', 'cart', '2', '1', '--json', '--dir', dir])
  await withStore(dir, async store => expect(json).toEqual(await store.diff('cart', 2, 1)))
  const tagged = await sessionlog(['diff', 'cart', '2', '3', '--json', '--dir', dir])
  expect(tagged.json).toContainEqual({
    op: 'add',
    path: '/when',
    encoding: 'tagged',
    value: { $date: '1970-01-01T00:00:00.000Z' },
  })
})

test('diff --patch gives the patch of toJsonPatch, and warns where it is not exact', async () => {
  const dir = await makeStore()
  const exact = await sessionlog(['diff', 'cart', '1', '2', '--patch', '--dir', dir])
  expect(exact).toMatchObject({ code: 0, stderr: '' })
  await withStore(dir, async store => {
    const changes = await store.diff('cart', 1, 2)
    expect(JSON.parse(exact.stdout)).toEqual(
      toJsonPatch(changes, await store.stateAt('cart', { version: 1 })).patch,
    )
  })
  const date = await sessionlog(['diff', 'cart', '2', '3', '--patch', '--json', '--dir', dir])
  expect(date.stderr).toMatch(/^sessionlog: the patch is not exact: '\/when' .*\n$/)
  expect(date.json[0]).toContainEqual({
    op: 'add',
    path: '/when',
    value: { $date: '1970-01-01T00:00:00.000Z' },
  })
  const deleted = await sessionlog(['diff', 'cart', '3', '4', '--patch', '--json', '--dir', dir])
  expect(deleted.stderr).toMatch(/^sessionlog: the patch is not exact: '' .*\n$/)
  expect(deleted.json).toEqual([[{ op: 'remove', path: '' }]])
})

test.each([
  [['none', '1', '2'], 1, 'SESSIONLOG_SESSION_NOT_FOUND'],
  [['cart', '1', '9'], 1, 'SESSIONLOG_VERSION_NOT_FOUND'],
  [['cart', '@99', '1'], 1, 'SESSIONLOG_VERSION_NOT_FOUND'],
  [['cart', '1', 'yesterday'], 2, 'SESSIONLOG_INVALID_ARGUMENT'],
  [['cart', '@x', '1'], 2, 'SESSIONLOG_INVALID_ARGUMENT'],
  [['cart', '1'], 2, 'SESSIONLOG_INVALID_ARGUMENT'],
])('diff %j ends with %i', async (args, code, error) => {
  const outcome = await sessionlog(['diff', ...args, '--dir', await makeStore()])
  expect(outcome).toMatchObject({ code, stdout: '' })
  expect(outcome.stderr).toContain(error)
})

test('show --at takes versions, times and positions, and only one place', async () => {
  const dir = await makeStore()
  for (const at of ['2', '@3', '2024-02-29T00:02:30Z']) {
    const { json } = await sessionlog(['show', 'cart', '--at', at, '--json', '--dir', dir])
    expect(json).toMatchObject([{ session: 'cart', state: { note: 'a very long note' } }])
  }
  const both = await sessionlog(['show', 'cart', '--at', '2', '--version', '2', '--dir', dir])
  expect(both).toMatchObject({ code: 2, stdout: '' })
  expect((await sessionlog(['show', 'cart', '--at', '@1', '--dir', dir])).code).toBe(1)
  expect((await sessionlog(['show', 'cart', '--at', '2', '--occurred', '--dir', dir])).code).toBe(2)
})
