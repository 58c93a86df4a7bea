import { describe, expect, test } from 'vitest'
import type { WriteOptions } from '../../src/index.ts'
import { all, sessionlog, temporary, withStore } from './cli.ts'

const START = Date.UTC(2024, 1, 29)

const SAVES: [id: string, state: unknown, options: WriteOptions][] = [
  ['a', { n: 1 }, { actor: 'ann', type: 'opened' }],
  ['b', { n: 1 }, { actor: 'ben', reason: '=1+1' }],
  ['a', { n: 2, when: new Date(0) }, { actor: 'ben', data: 5n }],
  ['c', { m: 'x"y,\r\nz' }, { actor: 'cy', occurredAt: 1000, eventId: '-e', correlationId: '@c' }],
  ['a', { n: 2 }, { actor: "'ann", causationId: '\tc' }],
  ['b', undefined, {}],
]

/** Six events of three sessions, one at each full minute. */
async function makeStore(): Promise<string> {
  const dir = temporary()
  let now = START
  const task = async (store: Parameters<Parameters<typeof withStore>[1]>[0]) => {
    for (const [id, state, options] of SAVES) {
      now += 60_000
      if (state === undefined) await store.delete(id, options)
      else await store.save(id, state, options)
    }
  }
  await withStore(dir, task, { clock: () => now })
  return dir
}

const ids = (json: { sessionId: string; version: number }[]) =>
  json.map(({ sessionId, version }) => `${sessionId}${version}`).join(' ')

describe('audit', () => {
  test.each([
    [[], 'a1 b1 a2 c1 a3 b2'],
    [['--actor', 'ann', '--actor', 'cy'], 'a1 c1'],
    [['--actor', 'ben', '--type', 'saved'], 'b1 a2'],
    [['--type', 'opened', '--type', 'deleted'], 'a1 b2'],
    [['--path', '/n'], 'a1 b1 a2 b2'],
    [['--since', '2024-02-29T00:02:00Z', '--until', '2024-02-29T00:04Z'], 'b1 a2 c1'],
    [['--since', String(START + 240_001), '--session', 'a', '--session', 'b'], 'a3 b2'],
  ])('%j gives %s', async (args, expected) => {
    const { code, json } = await sessionlog(['audit', ...args, '--json', '--dir', await makeStore()])
    expect(code).toBe(0)
    expect(ids(json)).toBe(expected)
  })

  test("--format ndjson is --json, and gives the API's events", async () => {
    const dir = await makeStore()
    const { stdout, json } = await sessionlog(['audit', '--json', '--dir', dir])
    expect((await sessionlog(['audit', '--format', 'ndjson', '--dir', dir])).stdout).toBe(stdout)
    const events = await withStore(dir, store => all(store.audit()))
    const plain = events.filter(event => event.position !== 3)
    expect(json.filter(event => event.position !== 3)).toEqual(plain)
    expect(json[2]).toMatchObject({
      ...events[2],
      encoding: 'tagged',
      data: { $bigint: '5' },
      changes: [{}, {}],
    })
  })

  test('is a table for people', async () => {
    const { stdout } = await sessionlog(['audit', '--session', 'a', '--dir', await makeStore()])
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^position +when +who +session +version +type +why +what changed$/)
    expect(lines[1]).toMatch(/^ +1 +2024-02-29 00:01:00Z +ann +a +1 +opened +\+ \{"n":1\}$/)
    expect(lines).toHaveLength(4)
  })

  test.each([
    [['--session', 'none'], 1],
    [['--format', 'xml'], 2],
    [['--format', 'csv', '--json'], 2],
    [['--since', 'yesterday'], 2],
    [['--path', 'n'], 2],
    [['a'], 2],
  ])('%j ends with %i', async (args, expected) => {
    const { code, stdout } = await sessionlog(['audit', ...args, '--dir', await makeStore()])
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
  })
})

/** Cells of CSV by RFC 4180, by somebody who knows nothing of how they were written. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end !== ',') rows.push([])
  }
  return rows.slice(0, -1)
}

describe('audit --format csv', () => {
  test('has a header, one row an event, and no cell that a spreadsheet would run', async () => {
    const dir = await makeStore()
    const { code, stdout } = await sessionlog(['audit', '--format', 'csv', '--dir', dir])
    expect(code).toBe(0)
    const [header, ...rows] = parseCsv(stdout)
    expect(header!.slice(0, 7).join()).toBe('position,sessionId,version,type,recordedAt,occurredAt,actor')
    expect(rows).toHaveLength(SAVES.length)
    for (const row of rows) {
      expect(row).toHaveLength(header!.length)
      for (const cell of row) expect(cell).not.toMatch(/^[=+\-@\t\r]/)
    }
    const events = await withStore(dir, store => all(store.audit()))
    for (const [index, event] of events.entries()) {
      const cells = Object.fromEntries(header!.map((name, at) => [name, rows[index]![at]!.replace(/^'/, '')]))
      expect(cells).toMatchObject({
        position: `${event.position}`,
        recordedAt: new Date(event.recordedAt).toISOString(),
        actor: event.actor ?? '',
        reason: event.reason ?? '',
        eventId: event.eventId ?? '',
        correlationId: event.correlationId ?? '',
        causationId: event.causationId ?? '',
        hash: event.hash,
      })
      if (cells.encoding === '') expect(JSON.parse(cells.changes!)).toEqual(event.changes)
      else expect(JSON.parse(cells.data!)).toEqual({ $bigint: '5' })
    }
  })

  test('of nothing is its header', async () => {
    const { code, stdout } = await sessionlog([
      ...['audit', '--actor', 'nobody', '--format', 'csv', '--dir', await makeStore()],
    ])
    expect(code).toBe(0)
    expect(stdout.split('\r\n')).toHaveLength(2)
  })
})

test('audit --format cloudevents gives CloudEvents 1.0 in JSON, one a line', async () => {
  const dir = await makeStore()
  const { json } = await sessionlog(['audit', '--format', 'cloudevents', '--dir', dir])
  const recorded = await sessionlog(['audit', '--json', '--dir', dir])
  const origin = await withStore(dir, async store => store.origin)
  expect(json).toEqual(
    recorded.json.map(event => ({
      specversion: '1.0',
      id: `${origin}/${event.position}`,
      source: `/sessionlog/${origin}`,
      type: `sessionlog.${event.type}`,
      subject: event.sessionId,
      time: new Date(event.recordedAt).toISOString(),
      datacontenttype: 'application/json',
      data: event,
    })),
  )
})

describe('tail', () => {
  test.each([
    [[], 'a1 b1 a2 c1 a3 b2'],
    [['--lines', '2'], 'a3 b2'],
    [['-n', '0'], ''],
    [['a', '-n', '2'], 'a2 a3'],
    [['-n', '1', '--actor', 'ann'], 'a1'],
    [['b', '--session', 'c', '-n', '2'], 'c1 b2'],
    [['-n', '1', '--until', '2024-02-29T00:03Z'], 'a2'],
  ])('%j gives %s', async (args, expected) => {
    const { code, json } = await sessionlog(['tail', ...args, '--json', '--dir', await makeStore()])
    expect(code).toBe(0)
    expect(ids(json)).toBe(expected)
  })

  test('gives the last ten where nobody says how many', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      for (let n = 1; n <= 500; n++) void store.save(`s${n % 3}`, n, { actor: n <= 12 ? 'ann' : 'ben' })
    })
    const last = await sessionlog(['tail', '--json', '--dir', dir])
    expect(last.json.map(event => event.position)).toEqual(Array.from({ length: 10 }, (_, n) => 491 + n))
    const early = await sessionlog(['tail', '--actor', 'ann', '--json', '--dir', dir])
    expect(early.json.map(event => event.position)).toEqual(Array.from({ length: 10 }, (_, n) => 3 + n))
  })

  test.each([
    [['none'], 1],
    [['-n', '-1'], 2],
  ])('%j ends with %i', async (args, expected) => {
    expect((await sessionlog(['tail', ...args, '--dir', await makeStore()])).code).toBe(expected)
  })
})
