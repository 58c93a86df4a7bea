import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { all, ndjson, sessionlog, temporary, withStore } from './cli.ts'

const GOOD = [
  { session: 'a', at: '2024-02-29T12:00:00.000Z', actor: 'ann', state: { n: 1 } },
  { session: 'b', at: null, actor: null, state: [1, 2] },
  { session: 'a', at: 1709208001000, type: 'added', reason: 'because', data: { by: 1 }, state: { n: 2 } },
  { session: 'b', deleted: true, actor: 'ben' },
]

describe('import of lines', () => {
  test('saves each of them, in order, with what it says', async () => {
    const dir = temporary()
    const file = join(dir, 'saves.ndjson')
    writeFileSync(file, ndjson(...GOOD))
    const { code, json } = await sessionlog(['import', file, '--dir', join(dir, 'data'), '--json'])
    expect(code).toBe(0)
    expect(json).toMatchObject([
      { lines: 4, saved: 3, deleted: 1, skipped: 0, sessions: 2, refused: 0, problems: [] },
    ])
    await withStore(join(dir, 'data'), async store => {
      expect(store.get('a')).toEqual({ n: 2 })
      expect(store.has('b')).toBe(false)
      const events = await all(store.events())
      expect(events).toMatchObject([
        { sessionId: 'a', version: 1, type: 'saved', actor: 'ann', occurredAt: Date.UTC(2024, 1, 29, 12) },
        { sessionId: 'b', version: 1 },
        {
          sessionId: 'a',
          version: 2,
          type: 'added',
          reason: 'because',
          data: { by: 1 },
          occurredAt: 1709208001000,
        },
        { sessionId: 'b', version: 2, type: 'deleted', actor: 'ben' },
      ])
      expect(events[1]).not.toHaveProperty('actor')
      expect(events[1]).not.toHaveProperty('occurredAt')
    })
  })

  test('reads standard input, gzip by its content, a byte order mark, CRLF and blank lines', async () => {
    const dir = temporary()
    const input = gzipSync(`\ufeff${ndjson(...GOOD).replaceAll('\n', '\r\n')}\r\n  \n`)
    // Of its own: other tests import at the same time.
    const tmp = temporary()
    const env = { TMPDIR: tmp, TMP: tmp, TEMP: tmp }
    const { code, json } = await sessionlog(['--dir', dir, '--json', 'import', '-'], { input, env })
    expect(code).toBe(0)
    expect(json).toMatchObject([{ lines: 4, saved: 3, deleted: 1 }])
    expect(readdirSync(tmp).filter(name => name.startsWith('sessionlog-import-'))).toEqual([])
  })

  test('takes a line without an end', async () => {
    const dir = temporary()
    await sessionlog(['--dir', dir, 'import', '-'], {
      input: '{"session":"a","state":1}\n{"session":"a","state":2}',
    })
    await withStore(dir, async store => expect(store.get('a')).toBe(2))
  })

  test('skips what came before with the same event id', async () => {
    const dir = temporary()
    const input = ndjson({ session: 'a', state: 1, eventId: 'e1' }, { session: 'a', state: 1, eventId: 'e1' })
    await sessionlog(['--dir', dir, 'import', '-'], { input })
    const { code, json } = await sessionlog(['--dir', dir, '--json', 'import', '-'], { input })
    expect(code).toBe(0)
    expect(json).toMatchObject([{ saved: 0, skipped: 2 }])
    await withStore(dir, async store => expect(store.version('a')).toBe(1))
  })
})

describe('import of bad lines', () => {
  const bad = `${ndjson({ session: 'a', state: 1 })}{"session":\n${ndjson({ session: 'b', state: 2 })}`

  test('writes nothing, makes no store, and names the lines', async () => {
    const dir = temporary()
    const data = join(dir, 'data')
    const { code, json, stderr } = await sessionlog(['--dir', data, '--json', 'import', '-'], { input: bad })
    expect(code).toBe(5)
    expect(json).toMatchObject([
      { saved: 0, refused: 1, problems: [{ place: 'line 2', code: 'SESSIONLOG_INVALID_ARGUMENT' }] },
    ])
    expect(stderr).toContain('SESSIONLOG_IMPORT_REJECTED')
    expect(existsSync(data)).toBe(false)
  })

  test('writes nothing to a store that is there', async () => {
    const dir = temporary()
    await withStore(dir, store => store.save('mine', 1))
    const { code } = await sessionlog(['--dir', dir, 'import', '-'], { input: bad })
    expect(code).toBe(5)
    await withStore(dir, async store => expect([...store.ids()]).toEqual(['mine']))
  })

  test('keeps the good ones with --keep-going, and says so by its exit code', async () => {
    const dir = temporary()
    const { code, json } = await sessionlog(['--dir', dir, '--json', 'import', '-', '--keep-going'], {
      input: bad,
    })
    expect(code).toBe(6)
    expect(json).toMatchObject([{ saved: 2, refused: 1, problems: [{ place: 'line 2' }] }])
    await withStore(dir, async store => expect([...store.ids()]).toEqual(['a', 'b']))
  })

  test('refuses a damaged gzip file, and keeps what came before the damage with --keep-going', async () => {
    const dir = temporary()
    const lines = Array.from({ length: 5000 }, (_, n) => ({
      session: 's',
      state: { n, noise: Math.random() },
    }))
    const whole = gzipSync(ndjson(...lines))
    const input = whole.subarray(0, whole.length / 2)
    expect((await sessionlog(['--dir', dir, 'import', '-'], { input })).code).toBe(5)
    const { code, json } = await sessionlog(['--dir', dir, '--json', 'import', '-', '-k'], { input })
    expect(code).toBe(6)
    expect(json[0].refused).toBeGreaterThan(0)
    expect(json[0].saved).toBeGreaterThan(1000)
    expect(json[0].saved).toBeLessThan(5000)
  })

  test('holds lines to the policies and the event ids of the store before it writes any', async () => {
    const dir = temporary()
    const save = { actor: 'ann', eventId: 'e1' }
    await withStore(dir, store => store.save('a', 1, save), { requireActor: true })
    const input = ndjson(
      { session: 'b', state: 1, actor: 'ben' },
      { session: 'b', state: 2 },
      { session: 'a', state: 2, actor: 'ann', eventId: 'e1' },
      { session: 'c', state: 1, actor: 'cleo', eventId: 'e2' },
      { session: 'c', state: 2, actor: 'cleo', eventId: 'e2' },
    )
    const { code, json } = await sessionlog(['--dir', dir, '--json', 'import', '-'], { input })
    expect(code).toBe(5)
    expect(json[0].problems).toMatchObject([
      { place: 'line 2', code: 'SESSIONLOG_POLICY_VIOLATED' },
      { place: 'line 3', code: 'SESSIONLOG_EVENT_ID_REUSED' },
      { place: 'line 5', code: 'SESSIONLOG_EVENT_ID_REUSED' },
    ])
    await withStore(dir, async opened => expect(opened.has('b')).toBe(false))
  })

  test('ends with the code for I/O where there is no such file', async () => {
    const dir = temporary()
    const { code, stderr, stdout } = await sessionlog(['--dir', dir, 'import', join(dir, 'none.ndjson')])
    expect(code).toBe(7)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^sessionlog: .*\(SESSIONLOG_IO_ERROR\)\n$/)
  })
})
