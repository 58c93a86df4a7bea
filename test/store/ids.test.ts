import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeOf, collect } from '../support/outcome.ts'
import { create, directoryOf, reopen } from '../support/store.ts'

const LONGEST = 'é'.repeat(512)
const IDS = [
  'plain',
  'a/very/long/path/to/some session.json',
  '../../escape',
  '..',
  '.',
  '/etc/passwd',
  'C:\\Windows\\con',
  'con',
  'nul.txt',
  'Case',
  'case',
  'CASE',
  'trailing dot.',
  'trailing space ',
  ' ',
  'a\0b',
  'a',
  'a%00b',
  'a%',
  '%25',
  '\0',
  '\n\r\t',
  '\u202e\u200b',
  'é',
  'e\u0301',
  '名前/😀/🏳️‍🌈',
  '\uffff',
  '\u{10ffff}',
  '!sessionlog!',
  'x'.repeat(1_024),
  LONGEST,
  '😀'.repeat(256),
]

describe('Any well-formed string of 1 to 1,024 bytes is a session of its own', () => {
  test('in the cache, in the log, in bases and in snapshots', async () => {
    let store = await create<{ id: string; n: number }>()
    await store.saveAll(IDS.map((id, n) => ({ id, state: { id, n } })))
    const check = async () => {
      expect(store.size).toBe(IDS.length)
      expect([...store.ids()].sort()).toEqual([...IDS].sort())
      for (const [n, id] of IDS.entries()) {
        expect(store.get(id)).toEqual({ id, n })
        expect(await store.stateAt(id, { version: 1 })).toEqual({ id, n })
        const events = await collect(store.history(id))
        expect(events.map(event => [event.sessionId, event.position])).toEqual([[id, n + 1]])
      }
    }
    await check()
    store = await reopen(store)
    await check()
    await store.compact()
    await check()
    store = await reopen(store)
    await check()
    store = await reopen(store, { rebuild: true })
    await check()
    expect(await store.verify()).toMatchObject({ ok: true, sessions: IDS.length, snapshots: IDS.length })
  })

  test('and never names a file outside sessions_v3, or one that differs by case alone', async () => {
    const store = await create<number>()
    await store.saveAll(IDS.map(id => ({ id, state: 1 })))
    await store.compact()
    const dir = directoryOf(store as never)
    const names = readdirSync(join(dir, 'sessions_v3'), { recursive: true }) as string[]
    expect(names).toHaveLength(IDS.length)
    expect(new Set(names.map(name => name.toLowerCase().normalize('NFC'))).size).toBe(IDS.length)
    expect(readdirSync(dir).sort()).toEqual(expect.arrayContaining(['log', 'sessions_v3']))
  })

  test('as event id, too', async () => {
    const store = await create<number>()
    for (const id of IDS) for (const eventId of IDS) store.save(id, 1, { eventId })
    await store.flush()
    const reopened = await reopen(store)
    for (const id of IDS) {
      expect(reopened.version(id)).toBe(IDS.length)
      for (const eventId of IDS) {
        expect(await reopened.save(id, 1, { eventId })).toMatchObject({ deduplicated: true })
      }
    }
  })
})

describe('Anything else is refused as an id', () => {
  test.each([
    ['an empty string', ''],
    ['a lone surrogate', 'a\ud800'],
    ['1,025 bytes', 'x'.repeat(1_025)],
    ['1,026 bytes of 342 characters', '名'.repeat(342)],
    ['a number', 5],
    ['null', null],
    ['undefined', undefined],
    ['an object', {}],
  ])('%s', async (_, id) => {
    const store = await create<number>()
    const bad = id as string
    const calls = [
      () => store.save(bad, 1),
      () => store.edit(bad, () => {}),
      () => store.delete(bad),
      () => store.saveAll([{ id: bad, state: 1 }]),
      () => store.touch(bad, 1),
      () => store.history(bad).next(),
      () => store.stateAt(bad, { version: 1 }),
      () => store.watch(bad),
    ]
    for (const call of calls) expect(await codeOf(call)).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(store.size).toBe(0)
  })
})
