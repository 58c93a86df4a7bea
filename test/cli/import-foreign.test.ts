import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { all, ndjson, outcomeOf, sessionlog, start, temporary, withStore } from './cli.ts'

const FIXTURE = 'test/fixtures/importers/session-file-store'
const FILES = ['import', FIXTURE, '--from', 'session-file-store', '--ttl', '3000000000']

const line = (sid: string, body: object = {}) => ({
  key: `sess:${sid}`,
  value: JSON.stringify({ cookie: { path: '/' }, ...body }),
  ttl: -1,
})

describe('import --from another store', () => {
  test('imports, names what was not, and ends with the code of a part', async () => {
    const dir = temporary()
    const { code, stdout, stderr } = await sessionlog([...FILES, '--dir', dir, '--actor', 'ann'])
    expect(code).toBe(6)
    expect(stdout).toMatch(/^Imported 3 sessions, 1 refused, 1 ignored, in /)
    expect(stderr).toContain('locked.json')
    expect(stderr).toContain('Xk3_9pQw-VbT2mZ.json.3141592653')
    const again = await sessionlog([...FILES, '--dir', dir, '--json'])
    expect(again.code).toBe(6)
    expect(again.json).toMatchObject([
      { kind: expect.any(String), place: expect.any(String), reason: expect.any(String) },
      { kind: expect.any(String) },
      { from: 'session-file-store', dryRun: false, records: 5, imported: 0, alreadyThere: 3, refused: 1 },
    ])
    await withStore(dir, async store => {
      const events = await all(store.events())
      expect(events.map(({ actor, type }) => `${actor} ${type}`)).toEqual(Array(3).fill('ann imported'))
    })
  })

  test('a dry run makes no store and says the same', async () => {
    const dir = join(temporary(), 'data')
    const { code, stdout } = await sessionlog([...FILES, '--dir', dir, '--dry-run'])
    expect(code).toBe(6)
    expect(stdout).toMatch(/^Would import 3 sessions, 1 refused, 1 ignored, in /)
    expect(existsSync(dir)).toBe(false)
  })

  test('reads standard input, and takes a conflict for one', async () => {
    const dir = temporary()
    await withStore(dir, store => store.save('a', { mine: true }))
    const args = ['import', '-', '--from', 'connect-redis', '--dir', dir, '--json']
    const { code, json } = await sessionlog(args, { input: ndjson(line('a'), line('b')) })
    expect(code).toBe(6)
    expect(json).toMatchObject([
      { kind: 'conflict', sessionId: 'a', place: 'line 1' },
      { imported: 1, conflicts: 1 },
    ])
    const forced = await sessionlog([...args, '--overwrite'], { input: ndjson(line('a'), line('b')) })
    expect(forced.code).toBe(0)
    expect(forced.json).toMatchObject([{ imported: 1, alreadyThere: 1, conflicts: 0 }])
  })

  test('where nothing was taken the code says so', async () => {
    const input = '{"key":"other"}\n'
    const { code } = await sessionlog(['import', '-', '--from', 'connect-redis', '--dir', temporary()], {
      input,
    })
    expect(code).toBe(5)
  })

  test('lists all problems to programs, and the first ten to people', async () => {
    const input = '{}\n'.repeat(25)
    const args = ['import', '-', '--from', 'connect-mongo', '--dir', temporary()]
    expect((await sessionlog([...args, '--json'], { input })).json).toHaveLength(26)
    const { stderr } = await sessionlog(args, { input })
    expect(stderr).toContain('line 10:')
    expect(stderr).not.toContain('line 11:')
    expect(stderr).toContain('15 more')
  })

  test('works on the store of an app that is running', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      await store.save('mine', { n: 1 })
      const input = ndjson(...Array.from({ length: 500 }, (_, n) => line(`s${n}`, { n })), line('mine'))
      const { code, stdout } = await sessionlog(['import', '-', '--from', 'connect-redis', '--dir', dir], {
        input,
      })
      expect([code, stdout]).toEqual([6, expect.stringMatching(/^Imported 500 sessions, 1 in conflict/)])
      expect(store.size).toBe(501)
      expect(store.get('s499')).toEqual({ cookie: { path: '/' }, n: 499 })
    })
  })

  test.each([
    ['an unknown store', ['--from', 'memorystore']],
    ['a ttl that is no number', ['--from', 'session-file-store', '--ttl', 'soon']],
    ['a directory where a file is needed', ['--from', 'connect-redis']],
    ['an option of another store', ['--from', 'connect-mongo', '--prefix', 'x']],
    ['a dry run without --from', ['--dry-run']],
    ['--keep-going with --from', ['--from', 'connect-mongo', '--keep-going']],
  ])('%s is wrong usage, and makes no store', async (_, args) => {
    const dir = join(temporary(), 'data')
    const { code, stderr } = await sessionlog(['import', FIXTURE, '--dir', dir, ...args])
    expect(code).toBe(2)
    expect(stderr).toContain('SESSIONLOG_INVALID_ARGUMENT')
    expect(existsSync(dir)).toBe(false)
  })

  test('a source that is not there makes no store', async () => {
    const dir = join(temporary(), 'data')
    const args = ['import', join(dir, 'missing'), '--from', 'connect-mongo', '--dir', dir]
    expect((await sessionlog(args)).code).toBe(7)
    expect(existsSync(dir)).toBe(false)
  })

  test('is interrupted while it waits for input; what came before stays', async () => {
    const dir = temporary()
    const child = start('src/cli/main.ts', ['import', '-', '--from', 'connect-redis', '--dir', dir])
    child.stdin!.write(ndjson(line('a'), line('b')))
    while (!existsSync(join(dir, 'log'))) await new Promise(resolve => setTimeout(resolve, 20))
    child.kill('SIGINT')
    const { code } = await outcomeOf(child)
    expect(code).toBe(130)
    const again = await sessionlog(['import', '-', '--from', 'connect-redis', '--dir', dir, '--json'], {
      input: ndjson(line('a'), line('b')),
    })
    const { imported, alreadyThere } = again.json[0]
    expect([again.code, imported + alreadyThere]).toEqual([0, 2])
  })

  test('an empty dump is nothing, and no failure', async () => {
    const file = join(temporary(), 'empty')
    writeFileSync(file, '')
    const { code, stdout } = await sessionlog([
      'import',
      file,
      '--from',
      'connect-mongo',
      '--dir',
      temporary(),
    ])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Imported 0 sessions, in/)])
  })
})
