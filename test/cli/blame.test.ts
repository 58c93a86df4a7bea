import { expect, test } from 'vitest'
import { all, sessionlog, temporary, withStore } from './cli.ts'

async function makeStore(): Promise<string> {
  const dir = temporary()
  await withStore(dir, async store => {
    await store.save('cart', { items: [{ qty: 1 }], note: 'a' }, { actor: 'ann', reason: 'first' })
    await store.save('cart', { items: [{ qty: 9 }, { qty: 1 }], note: 'a' }, { actor: 'ben' })
    await store.save(
      'cart',
      { items: [{ qty: 9 }, { qty: 3 }], note: 'a', when: new Date(0) },
      { actor: 'cy' },
    )
    await store.delete('cart')
  })
  return dir
}

test('blame of a value tells the events that changed it, with what it was before and after', async () => {
  const dir = await makeStore()
  const { code, stdout } = await sessionlog(['blame', 'cart', '/items/1/qty', '--at', '3', '--dir', dir])
  expect(code).toBe(0)
  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^version +when +who +why +before → after$/)
  expect(lines[1]).toMatch(/^ +1 .* ann +first +\(none\) → 1$/)
  expect(lines[2]).toMatch(/^ +3 .* cy +1 → 3$/)
  expect(lines).toHaveLength(3)
})

test("blame --json gives the API's answers, of one value and of each", async () => {
  const dir = await makeStore()
  const one = await sessionlog(['blame', 'cart', '/items/1/qty', '--at', '3', '--json', '--dir', dir])
  const each = await sessionlog(['blame', 'cart', '--at', '@2', '--json', '--dir', dir])
  const whole = await sessionlog(['blame', 'cart', '', '--json', '--dir', dir])
  await withStore(dir, async store => {
    expect(one.json).toEqual(await all(store.blame('cart', '/items/1/qty', { version: 3 })))
    const leaves = await store.blame('cart', undefined, { version: 2 })
    expect(each.json).toEqual([...leaves].map(([pointer, blame]) => ({ pointer, ...blame })))
  })
  expect(whole.json.map(blame => blame.version)).toEqual([1, 2, 3, 4])
  expect(whole.json[2]).toMatchObject({
    encoding: 'tagged',
    after: { when: { $date: '1970-01-01T00:00:00.000Z' } },
  })
})

test('blame of what never was, and of a state that is gone, says so beside the data', async () => {
  const dir = await makeStore()
  for (const args of [['cart', '/none'], ['cart']]) {
    const outcome = await sessionlog(['blame', ...args, '--dir', dir])
    expect(outcome).toMatchObject({ code: 0, stdout: '' })
    expect(outcome.stderr).toMatch(/^sessionlog: .*\n$/)
  }
  expect((await sessionlog(['blame', 'none', '--dir', dir])).code).toBe(1)
  expect((await sessionlog(['blame', 'cart', '--at', '9', '--dir', dir])).code).toBe(1)
  expect((await sessionlog(['blame', 'cart', 'items', '--dir', dir])).code).toBe(2)
})

test('a session of 20,000 events can be blamed, compared and replayed', async () => {
  const dir = temporary()
  await withStore(dir, async store => {
    for (let n = 1; n <= 20_000; n++) void store.save('long', { n, slow: Math.floor(n / 5_000) })
  })
  const run = (...args: string[]) => sessionlog([...args, '--json', '--dir', dir])
  const blamed = await run('blame', 'long', '/slow')
  expect(blamed.json.map(blame => blame.version)).toEqual([1, 5_000, 10_000, 15_000, 20_000])
  expect((await run('diff', 'long', '19998', '19999')).json).toEqual([
    { op: 'replace', path: '/n', value: 19_999 },
  ])
  const audited = await run('audit', '--session', 'long', '--path', '/slow')
  expect(audited.json.map(event => event.version)).toEqual([1, 5_000, 10_000, 15_000, 20_000])
  const replayed = await run('replay', 'long')
  expect(replayed.json).toHaveLength(20_000)
  expect(replayed.json[19_999]).toMatchObject({ before: { n: 19_999 }, after: { n: 20_000 } })
  const tailed = await run('tail', 'long', '-n', '3')
  await withStore(dir, async store =>
    expect(tailed.json).toEqual(await all(store.history('long', { from: 19_998 }))),
  )
})
