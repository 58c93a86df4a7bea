import { afterAll, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { create, reopen } from '../support/store.ts'
import {
  absence,
  digestOfFinalStates,
  documents,
  expected,
  filesOf,
  hasWorkloads,
  readLines,
  type StateLine,
  sha256,
  type TextLine,
} from '../support/workloads.ts'

/** `SESSIONLOG_LONG=1` checks every version of every file, and replays the longest text. */
const LONG = process.env.SESSIONLOG_LONG === '1'
/** Of a file with more lines or text than this, some versions are looked at only, unless all are asked for. */
const SAMPLE = 300
const LONGEST = 'text-automerge-paper.ndjson.gz'

const texts = filesOf('text-patches').filter(file => LONG || file !== LONGEST)

const table: Record<string, string | number>[] = []
afterAll(() => {
  if (process.env.SESSIONLOG_TABLE === '1') console.table(table)
})

describe.skipIf(!hasWorkloads)(`Real sequences of saves${absence(hasWorkloads, 'workloads')}`, () => {
  test.each(
    filesOf('states'),
  )('%s ends in the states it should, and every version is its line', async file => {
    const lines = readLines<StateLine>(file)
    const facts = expected[file]!
    expect(lines).toHaveLength(facts.lines)
    const startedAt = performance.now()
    let store = await create<unknown>()
    await saveAll(store, lines)
    const savedMs = performance.now() - startedAt

    const digest = () => digestOfFinalStates([...store.ids()].map(id => [id, store.get(id)]))
    expect(digest()).toBe(facts.sha256OfFinalStates)
    expect(store.size).toBe(facts.sessions)
    const checked = [await checkVersions(store, lines)]

    store = await reopen(store)
    expect(digest()).toBe(facts.sha256OfFinalStates)
    expect(await store.verify()).toMatchObject({ ok: true, position: facts.lines, sessions: facts.sessions })
    await store.compact()
    checked.push(await checkVersions(store, lines))

    store = await reopen(store)
    expect(digest()).toBe(facts.sha256OfFinalStates)
    store = await reopen(store, { rebuild: true })
    expect(digest()).toBe(facts.sha256OfFinalStates)
    const report = await store.verify()
    expect(report).toMatchObject({ ok: true, snapshots: facts.sessions, bases: facts.sessions })
    table.push({
      file,
      saves: facts.lines,
      sessions: facts.sessions,
      'versions checked': checked.join(' + '),
      'save s': Number((savedMs / 1000).toFixed(2)),
      'all s': Number(((performance.now() - startedAt) / 1000).toFixed(2)),
    })
  })

  test.each(texts)('%s, replayed, ends in the text it should', async file => {
    const facts = expected[file]!
    const lines = readLines<TextLine>(file)
    expect(lines).toHaveLength(facts.lines)
    const { session } = lines[0]!
    const startedAt = performance.now()
    let store = await create<{ text: string }>({ compactEvery: 60_000 })
    const samples = new Map<number, string>()
    let saves = 0
    for (const { text, line } of documents(lines)) {
      const occurredAt = line.at === null ? {} : { occurredAt: Date.parse(line.at) }
      const saved = store.save(session, { text }, occurredAt)
      saves++
      if (saves % Math.ceil(facts.txns / 60) === 0) samples.set(saves, sha256(text))
      if (saves % 100 === 0) await saved
    }
    await store.flush()
    const savedMs = performance.now() - startedAt

    const check = async () => {
      expect(sha256(store.get(session)!.text)).toBe(facts.endContentSha256)
      expect(store.version(session)).toBe(facts.txns)
      for (const [version, hash] of samples) {
        const state = (await store.stateAt(session, { version })) as { text: string }
        expect(sha256(state.text), `version ${version}`).toBe(hash)
      }
    }
    await check()
    store = await reopen(store)
    await check()
    await store.compact()
    store = await reopen(store)
    await check()
    store = await reopen(store, { rebuild: true })
    expect(sha256(store.get(session)!.text)).toBe(facts.endContentSha256)
    expect(await store.verify()).toMatchObject({ ok: true, position: facts.txns })
    table.push({
      file,
      saves,
      sessions: 1,
      'versions checked': `3 × ${samples.size}`,
      'save s': Number((savedMs / 1000).toFixed(2)),
      'all s': Number(((performance.now() - startedAt) / 1000).toFixed(2)),
    })
  })

  test.skipIf(LONG)(`${LONGEST} is replayed where SESSIONLOG_LONG=1 is set: it takes minutes`, ({ skip }) =>
    skip(),
  )

  test('cart-otto can be read by the time of the callers', async () => {
    const lines = readLines<StateLine>('cart-otto.ndjson.gz')
    const store = await create<unknown>()
    await saveAll(store, lines)
    const [{ session }] = lines as [StateLine]
    const own = lines.filter(line => line.session === session)
    for (const [index, line] of own.entries()) {
      const time = Date.parse(line.at!)
      // The last save at that very time is the one that counts.
      const last = own.findLast(each => Date.parse(each.at!) <= time)!
      if (index % 10 === 0) {
        expect(await store.stateAt(session, { time, by: 'occurred' })).toEqual(last.state)
      }
    }
  })

  test('stream-temporal-sdk-ts keeps times that step back', async () => {
    const lines = readLines<StateLine>('stream-temporal-sdk-ts.ndjson.gz')
    const store = await create<unknown>()
    await saveAll(store, lines)
    const times = new Map<string, number[]>()
    for (const { session, at } of lines) times.set(session, [...(times.get(session) ?? []), Date.parse(at!)])
    for (const [session, expectedTimes] of times) {
      const found: unknown[] = []
      for await (const event of store.history(session)) found.push(event.occurredAt)
      expect(found).toEqual(expectedTimes)
    }
  })
})

describe('Other data of the same kinds', () => {
  test('may be one session with 20,000 saves, named by a long path', async () => {
    const id = `${'a/long/path/to/some folder/'.repeat(30)}document.json`
    let store = await create<{ n: number; log: string[] }>()
    for (let n = 0; n < 20_000; n++) {
      const saved = store.save(id, { n, log: Array.from({ length: n % 50 }, (_, i) => `entry ${n - i}`) })
      if (n % 500 === 0) await saved
    }
    await store.flush()
    const check = async () => {
      expect(store.version(id)).toBe(20_000)
      for (let version = 1; version <= 20_000; version += 997) {
        expect(await store.stateAt(id, { version })).toMatchObject({ n: version - 1 })
      }
    }
    await check()
    await store.compact()
    store = await reopen(store)
    await check()
    expect(await store.verify()).toMatchObject({ ok: true, position: 20_000 })
  })

  test('may be text of 340,000 characters, many of them beyond U+FFFF, edited in the middle', async () => {
    const points: string[] = Array.from({ length: 170_000 }, (_, n) =>
      n % 3 === 0 ? '😀' : n % 3 === 1 ? '𐐜' : 'é',
    )
    let store = await create<{ text: string }>()
    const states = [points.join('')]
    for (let n = 0; n < 40; n++) {
      points.splice((n * 4_001) % points.length, n % 4, ['🏳️‍🌈', 'x', '', '😁'][n % 4]!)
      states.push(points.join(''))
    }
    for (const text of states) store.save('a', { text })
    await store.flush()
    await store.compact()
    store = await reopen(store, { rebuild: true })
    for (const [index, text] of states.entries()) {
      const state = (await store.stateAt('a', { version: index + 1 })) as { text: string }
      expect(state.text === text, `version ${index + 1}`).toBe(true)
    }
    expect(await store.verify()).toMatchObject({ ok: true })
  })
})

/** One save a line, in order, in bursts. */
async function saveAll(store: SessionStore<unknown>, lines: readonly StateLine[]): Promise<void> {
  for (const [index, { session, state, actor, at }] of lines.entries()) {
    const saved = store.save(session, state, {
      ...(actor !== null && { actor }),
      ...(at !== null && { occurredAt: Date.parse(at) }),
    })
    if (index % 200 === 0) await saved
  }
  await store.flush()
}

/** Compares versions with the lines they came from, to the order of keys; answers with how many. */
async function checkVersions(store: SessionStore<unknown>, lines: readonly StateLine[]): Promise<number> {
  const versions = new Map<string, number>()
  const step = LONG ? 1 : Math.ceil(lines.length / SAMPLE)
  let checked = 0
  for (const [index, { session, state }] of lines.entries()) {
    const version = (versions.get(session) ?? 0) + 1
    versions.set(session, version)
    if (index % step !== 0) continue
    const found = await store.stateAt(session, { version })
    expect(JSON.stringify(found), `${session}, version ${version}`).toBe(JSON.stringify(state))
    checked++
  }
  return checked
}
