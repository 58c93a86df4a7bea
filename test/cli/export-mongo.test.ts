import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EJSON } from 'bson'
import { describe, expect, test } from 'vitest'
import { ndjson, sessionlog, temporary, withStore } from './cli.ts'

const LATER = Date.UTC(2080, 0, 1)
const cookie = { path: '/', expires: true }
const EXPORT = ['export', '--format', 'mongo', '--dir']

/** Standard output as mongoimport reads it. */
const documents = (stdout: string) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map(line => EJSON.parse(line))

describe('export --format mongo', () => {
  test('writes what is there now, with the expiry that it has now', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      await store.save('b', { cookie, n: 1 }, { expiresAt: LATER - 1 })
      await store.save('b', { cookie, n: 2 })
      store.touch('b', LATER)
      await store.save('a', { when: new Date(5) })
      await store.save('gone', 1)
      await store.delete('gone')
    })
    const { code, stdout, stderr } = await sessionlog([...EXPORT, dir])
    expect([code, stderr]).toEqual([0, ''])
    expect(documents(stdout)).toEqual([
      { _id: 'a', session: { when: new Date(5) } },
      {
        _id: 'b',
        session: { cookie: { ...cookie, expires: new Date(LATER).toISOString() }, n: 2 },
        expires: new Date(LATER),
      },
    ])
  })

  test('leaves out what MongoDB cannot hold, names it, and says so by its code', async () => {
    const dir = temporary()
    const report = join(dir, 'left-out.ndjson')
    await withStore(dir, async store => {
      await store.save('bad', { map: new Map(), list: Array(12).fill(undefined) })
      await store.save('good', { n: 1 })
    })
    const { code, stdout, stderr } = await sessionlog([...EXPORT, dir, '--report', report])
    expect(code).toBe(6)
    expect(documents(stdout)).toEqual([{ _id: 'good', session: { n: 1 } }])
    expect(stderr).toMatch(
      /Session 'bad' is left out: \/map is a Map[\s\S]*3 more[\s\S]*1 session exported, 1 left out/,
    )
    const lines = readFileSync(report, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines).toHaveLength(13)
    expect(lines[0]).toEqual({ session: 'bad', path: '/map', reason: 'a Map' })
  })

  test.each([
    ['documents', []],
    ['text', ['--stringify']],
  ])('what it writes as %s, import --from connect-mongo brings back', async (_, more) => {
    const [dir, other] = [temporary(), temporary()]
    const state = { cookie, n: 1, text: '日本😀', deep: { list: [0.5, null] } }
    await withStore(dir, store => store.save('a', state, { expiresAt: LATER }))
    const { stdout } = await sessionlog([...EXPORT, dir, ...more])
    const args = ['import', '-', '--from', 'connect-mongo', '--dir', other]
    expect((await sessionlog(args, { input: stdout })).code).toBe(0)
    await withStore(other, async store => {
      expect(store.get('a')).toEqual(state)
      expect(store.expiresAt('a')).toBe(LATER)
    })
  })

  test('works on the store of an app that is running', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      await store.save('a', { n: 1 }, { expiresAt: LATER - 5 })
      store.touch('a', LATER)
      const { stdout } = await sessionlog([...EXPORT, dir])
      expect(documents(stdout)).toEqual([{ _id: 'a', session: { n: 1 }, expires: new Date(LATER) }])
    })
  })

  test.each([
    ['an unknown format', ['--format', 'bson']],
    ['--stringify without it', ['--stringify']],
    ['--report without it', ['--report', 'x']],
  ])('%s is wrong usage', async (_, args) => {
    const dir = temporary()
    await sessionlog(['import', '-', '--dir', dir], { input: ndjson({ session: 'a', state: 1 }) })
    expect((await sessionlog(['export', '--dir', dir, ...args])).code).toBe(2)
  })
})
