/** Walks through each guide: its commands are run as they stand, one after the other, on a store made for it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { create, temporary } from '../support/store.ts'

const GUIDES = 'docs/guides'

/** The guide's commands, each run by a shell in the folder; answers with what each printed. */
function follow(guide: string, folder: string): string[] {
  const text = readFileSync(join(GUIDES, guide), 'utf8')
  const commands = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    block!.trim().split('\n'),
  )
  expect(commands.length).toBeGreaterThan(0)
  const main = `"${process.execPath}" --import ${import.meta.resolve('tsx')} "${resolve('src/cli/main.ts')}"`
  return commands.map(command =>
    execFileSync('sh', ['-c', command.replaceAll('npx sessionlog', main)], { cwd: folder, encoding: 'utf8' }),
  )
}

function passes(folder: string, file: string): boolean {
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env
  return spawnSync(process.execPath, ['--test', file], { cwd: folder, env }).status === 0
}

describe.skipIf(process.platform === 'win32')('the guide', () => {
  test('to production: the way back from a backup, and the figures', async () => {
    const folder = temporary()
    const store = await create<object>({ dir: join(folder, 'data'), clock: () => Date.UTC(2024, 1, 1) })
    await store.save('cart-42', { items: ['tea'] })
    await store.close()
    const again = await create<object>({ dir: join(folder, 'data') })
    await again.save('cart-42', { items: ['tea', 'milk'] })
    await again.close()
    const printed = follow('run-it-in-production.md', folder)
    const [taken, restored, verified, earlier, listed, dry, archived, held, released, ...more] = printed
    const [, figures, looked, rebuilt, sound] = more
    expect(taken).toMatch(/^Copied 2 new events/)
    expect(restored).toMatch(/^Restored 1 session and 2 events/)
    expect(verified).toMatch(/^Verified: 2 events, 1 session/)
    expect(earlier).toMatch(/^Restored 1 session and 1 event /)
    expect(listed).toContain('cart-42')
    expect(dry).toMatch(/^Would archive 0 events/)
    expect(archived).toMatch(/^Archived 0 events/)
    expect(held).toBe("Session 'cart-42' is held: none of it is pruned\n")
    expect(released).toBe("Session 'cart-42' is not held any more\n")
    expect(figures).toContain('sessionlog_events')
    expect(looked).toContain('Every event is as it was written')
    expect(rebuilt).toMatch(/^Saved 1 session and 4 events[\s\S]*Nothing is lost/)
    expect(sound).toMatch(/^Verified: 4 events/)
  })

  test('to production: what it subscribes to is told', async () => {
    const text = readFileSync(join(GUIDES, 'run-it-in-production.md'), 'utf8')
    const code = /```js\n([\s\S]*?)```/.exec(text)![1]!
    const heard: unknown[] = []
    const instrument = (name: string) => ({
      record: (value: number) => heard.push([name, value > 0]),
      add: (value: number) => heard.push([name, value]),
    })
    const meter = { createHistogram: instrument, createCounter: instrument }
    Object.assign(globalThis, { otel: { metrics: { getMeter: () => meter } } })
    const standIn = `const { metrics } = globalThis.otel`
    const runnable = code.replace("import { metrics } from '@opentelemetry/api'", standIn)
    await import(`data:text/javascript,${encodeURIComponent(runnable)}`)
    const store = await create<number>()
    await store.save('a', 1)
    expect(heard).toEqual([
      ['sessionlog.commit.duration', true],
      ['sessionlog.events', 1],
    ])
  })

  test('to a regression test: it fails, and passes once the bug is mended', async () => {
    const folder = temporary()
    const store = await create<object>({ dir: join(folder, 'data') })
    await store.save('cart-42', { total: 5, customer: 'Ann' }, { type: 'opened', data: { customer: 'Ann' } })
    await store.save('cart-42', { total: 2, customer: 'Ann' }, { type: 'paid', data: { by: 3 } })
    await store.save('cart-42', { total: -2, customer: 'Ann' }, { type: 'paid', data: { by: 4 } })
    await store.close()
    const reducer = (total: string) =>
      `export const reducer = (state, { data }) => ({ ...state, total: ${total} })`
    writeFileSync(join(folder, 'reducer.mjs'), reducer('state.total - data.by'))
    follow('a-regression-test-from-a-log.md', folder)
    for (const name of ['own.test.mjs', 'sent.test.mjs']) {
      expect(passes(folder, name)).toBe(false)
      const test = readFileSync(join(folder, name), 'utf8')
      writeFileSync(join(folder, name), test.replace(/throw new Error\(.*\)/, 'return recorded'))
      expect(passes(folder, name)).toBe(true)
    }
    expect(readFileSync(join(folder, 'sent.test.mjs'), 'utf8')).not.toContain('Ann')
    expect(gunzipSync(readFileSync(join(folder, 'bug.slog'))).includes('Ann')).toBe(false)
    expect(passes(folder, 'bug.test.mjs')).toBe(false)
    writeFileSync(join(folder, 'reducer.mjs'), reducer('Math.max(0, state.total - data.by)'))
    expect(passes(folder, 'bug.test.mjs')).toBe(true)
  })

  test('to proving an edit', async () => {
    const folder = temporary()
    const store = await create<object>({ dir: join(folder, 'data') })
    await store.save('cart-42', { total: 10 }, { actor: 'bob' })
    await store.save('cart-42', { total: 7 }, { actor: 'ann', reason: 'a discount' })
    await store.save('cart-42', { total: 8 })
    await store.close()
    const printed = follow('prove-an-edit-to-an-auditor.md', folder)
    const proof = printed.find(text => text.includes('Proved'))
    expect(proof).toMatch(/cart-42, version 2[\s\S]*ann[\s\S]*a discount[\s\S]*"total":7/)
    expect(printed.at(-1)).toContain('Verified')
  })
})

test('every guide is linked from the README, and links to files that are there', () => {
  const readme = readFileSync('README.md', 'utf8')
  for (const guide of readdirSync(GUIDES)) {
    expect(readme).toContain(`${GUIDES}/${guide}`)
    const links = [...readFileSync(join(GUIDES, guide), 'utf8').matchAll(/\]\((?!http)([^)#]+)\)/g)]
    expect(links.filter(([, link]) => !existsSync(join(GUIDES, link!)))).toEqual([])
  }
})
