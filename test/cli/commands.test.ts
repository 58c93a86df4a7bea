import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { all, sessionlog, temporary, withStore } from './cli.ts'

/** Three sessions: one plain, one that holds a Date, one that was deleted. */
async function makeStore(): Promise<string> {
  const dir = temporary()
  await withStore(dir, async store => {
    await store.save('cart', { items: [{ qty: 1 }], note: 'a long note' }, { actor: 'ann', occurredAt: 1000 })
    await store.save(
      'cart',
      { items: [{ qty: 2 }], note: 'a very long note' },
      { actor: 'ben', reason: 'more' },
    )
    await store.save('cart', { items: [{ qty: 2 }, { qty: 5 }], note: 'a very long note' })
    await store.save('rich', { when: new Date(0) })
    await store.save('gone', 1)
    await store.delete('gone')
  })
  return dir
}

describe('reading commands', () => {
  test('ls lists the sessions that have a state', async () => {
    const dir = await makeStore()
    const { code, json } = await sessionlog(['ls', '--long', '--json', '--dir', dir])
    expect(code).toBe(0)
    expect(json).toMatchObject([
      { session: 'cart', version: 3, bytes: 57, type: 'saved', recordedAt: expect.any(Number) },
      { session: 'rich', version: 1 },
    ])
  })

  test('show gives a state, now and as it was', async () => {
    const dir = await makeStore()
    expect(JSON.parse((await sessionlog(['show', 'cart', '--dir', dir])).stdout)).toHaveProperty(
      'items.length',
      2,
    )
    const first = await sessionlog(['show', 'cart', '--version', '1', '--json', '--dir', dir])
    expect(first.json).toEqual([
      { session: 'cart', version: 1, state: { items: [{ qty: 1 }], note: 'a long note' } },
    ])
    const occurred = await sessionlog([
      'show',
      'cart',
      '--time',
      '1970-01-01T00:00:02Z',
      '--occurred',
      '--json',
      '--dir',
      dir,
    ])
    expect(occurred.json).toMatchObject([{ state: { items: [{ qty: 1 }] } }])
    const rich = await sessionlog(['show', 'rich', '--json', '--dir', dir])
    expect(rich.json).toMatchObject([
      { encoding: 'tagged', state: { when: { $date: '1970-01-01T00:00:00.000Z' } } },
    ])
  })

  test('history gives the recorded events, and what each changed in words', async () => {
    const dir = await makeStore()
    const { json } = await sessionlog(['history', 'cart', '--json', '--dir', dir])
    await withStore(dir, async store => expect(json).toEqual(await all(store.history('cart'))))
    const { stdout } = await sessionlog(['history', 'cart', '--dir', dir])
    expect(stdout).toContain('/items/0/qty: 1 → 2')
    expect(stdout).toContain('+/items/1 {"qty":5}')
    const last = await sessionlog(['history', 'cart', '--reverse', '--from', '2', '--json', '--dir', dir])
    expect(last.json.map(event => event.version)).toEqual([3, 2])
    const turned = await sessionlog(['history', 'cart', '--from', '3', '--to', '2', '--dir', dir])
    expect(turned).toMatchObject({ code: 2, stdout: '' })
    expect(turned.stderr).toContain('--to 2 is before --from 3')
  })

  test('stats counts what there is', async () => {
    const dir = await makeStore()
    const before = await sessionlog(['stats', '--json', '--dir', dir])
    expect(before.json).toMatchObject([
      { sessions: 2, events: 6, snapshots: 0, head: { sessionId: 'gone', version: 2 } },
    ])
    expect((await sessionlog(['compact', '--dir', dir])).code).toBe(0)
    const after = await sessionlog(['stats', '--json', '--dir', dir])
    expect(after.json).toMatchObject([{ snapshots: 2, lastSnapshotAt: expect.any(Number) }])
    expect(after.json[0].bytes.total).toBe(after.json[0].bytes.log + after.json[0].bytes.snapshots)
  })

  test('what is not there ends with 1', async () => {
    const dir = await makeStore()
    const asked = [
      ['show', 'none'],
      ['show', 'gone'],
      ['show', 'cart', '--version', '9'],
      ['history', 'none'],
    ]
    for (const args of asked) {
      const { code, stdout, stderr } = await sessionlog([...args, '--dir', dir])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^sessionlog: .*\(SESSIONLOG_(SESSION|VERSION)_NOT_FOUND\)\n$/)
    }
  })
})

describe('wrong usage', () => {
  test.each([
    [['lss']],
    [['show']],
    [['show', 'a', '--version', 'two']],
    [['show', 'a', '--time', 'yesterday']],
    [['import']],
    [[]],
  ])('%j ends with 2', async args => {
    const { code, stdout } = await sessionlog(args, { cwd: temporary() })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('a directory without a store ends with 2, and none is made', async () => {
    const dir = temporary()
    for (const args of [
      ['ls'],
      ['show', 'a'],
      ['history', 'a'],
      ['export'],
      ['verify'],
      ['stats'],
      ['compact'],
      ['diff', 'a', '1', '2'],
      ['blame', 'a'],
      ['replay', 'a'],
      ['bisect', 'a', '--expr', 'true'],
      ['audit'],
      ['tail'],
    ]) {
      const { code, stdout, stderr } = await sessionlog(args, { cwd: dir })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^sessionlog: .*\(SESSIONLOG_INVALID_ARGUMENT\)\n$/)
    }
    expect(readdirSync(dir)).toEqual([])
  })

  test('an unknown command is told which one was meant', async () => {
    expect((await sessionlog(['histroy'])).stderr).toContain('history')
  })

  test('--help says what the exit codes mean', async () => {
    const { code, stdout } = await sessionlog(['--help'])
    expect(code).toBe(0)
    for (const word of ['import', 'stats', 'Exit codes', 'locked']) expect(stdout).toContain(word)
  })
})

describe('a store that cannot be had', () => {
  test('one that another process holds and does not share ends with 3, and names it', async () => {
    const dir = await makeStore()
    const refused = async () => {
      for (const args of [['compact'], ['import', '-']]) {
        const { code, stdout, stderr } = await sessionlog([...args, '--dir', dir], { input: '' })
        expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
        expect(stderr).toContain(`process ${process.pid}`)
        expect(stderr).toContain('SESSIONLOG_LOCKED')
      }
    }
    await withStore(dir, refused, { share: false })
  })

  test('verify of a store that does not open gives the reason as the problem', async () => {
    const dir = await makeStore()
    rmSync(join(dir, 'log'), { recursive: true })
    const missing = await sessionlog(['verify', '--json', '--dir', dir])
    expect(missing.code).toBe(4)
    expect(missing.json).toMatchObject([{ ok: false, problems: [{ code: 'SESSIONLOG_EVENTS_MISSING' }] }])

    const damaged = await makeStore()
    rmSync(join(damaged, 'log', 'CURRENT'))
    const corrupt = await sessionlog(['verify', '--json', '--dir', damaged])
    expect(corrupt.code).toBe(4)
    expect(corrupt.json).toMatchObject([{ ok: false, problems: [{ code: 'SESSIONLOG_CORRUPTION' }] }])
  })

  test('verify that finds problems ends with 1', async () => {
    const dir = await makeStore()
    expect((await sessionlog(['compact', '--dir', dir])).code).toBe(0)
    expect((await sessionlog(['verify', '--dir', dir])).code).toBe(0)
    writeFileSync(join(dir, 'sessions_v3', 'cart.json'), '{')
    const { code, json } = await sessionlog(['verify', '--json', '--dir', dir])
    expect(code).toBe(1)
    expect(json).toMatchObject([{ ok: false, problems: [{ code: 'SESSIONLOG_CORRUPTION' }] }])
    expect(existsSync(join(dir, 'sessions_v3', 'cart.json'))).toBe(true)
  })
})

test('colour is for terminals, unless FORCE_COLOR asks for it and NO_COLOR does not forbid it', async () => {
  const dir = await makeStore()
  const escapes = async (env: Record<string, string>) =>
    (await sessionlog(['ls', '--dir', dir], { env })).stdout.includes('\x1b[')
  expect(await escapes({ CI: 'true' })).toBe(false)
  expect(await escapes({ FORCE_COLOR: '1' })).toBe(true)
  expect(await escapes({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false)
})

test('a plain state whose keys look like tags is shown as it is', async () => {
  const dir = temporary()
  await withStore(dir, store => store.save('a', { $date: 'x' }))
  expect((await sessionlog(['show', 'a', '--json', '--dir', dir])).json[0].state).toEqual({ $date: 'x' })
  expect(JSON.parse((await sessionlog(['show', 'a', '--dir', dir])).stdout)).toEqual({ $date: 'x' })
})

test('control characters of ids, actors and states do not reach the terminal', async () => {
  const dir = temporary()
  await withStore(dir, store =>
    store.save('\x1b[31mred\u202e\n', '\x9b2J\u202e', { actor: '\x07bell', reason: '\x9b2J' }),
  )
  for (const args of [
    ['ls', '-l'],
    ['history', '\x1b[31mred\u202e\n'],
    ['show', '\x1b[31mred\u202e\n'],
    ['show', '\x1b[31mred\u202e\n', '--json'],
    ['export'],
    ['show', '\x1b[2J'],
  ]) {
    const { stdout, stderr } = await sessionlog([...args, '--dir', dir])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
    expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
  }
})

test('stats --prometheus gives the figures of the app that is running, as Prometheus reads them', async () => {
  const dir = await makeStore()
  await withStore(dir, async store => {
    await store.compact()
    const { code, stdout } = await sessionlog(['stats', '--prometheus', '--dir', dir])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    const sample = /^sessionlog_[a-z_]+\{origin="[0-9a-f-]{36}"(,le="[0-9.]+|,le="\+Inf)?"?\} [0-9.e+-]+$/
    for (const line of lines) expect(line.startsWith('# ') || sample.test(line)).toBe(true)
    const value = (name: string) =>
      Number(lines.find(line => line.startsWith(`sessionlog_${name}{`))?.split(' ')[1])
    expect(value('events')).toBe(store.position)
    expect(value('sessions')).toBe(store.size)
    expect(value('followers')).toBe(1)
    expect(value('last_compaction_problems')).toBe(0)
    const buckets = lines.filter(line => line.startsWith('sessionlog_commit_duration_seconds_bucket'))
    expect(buckets.at(-1)).toContain('le="+Inf"')
    expect(buckets.length).toBeGreaterThan(10)
  })
})
