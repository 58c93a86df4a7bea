/** The stores in test/fixtures, written by scripts/fixture.ts: what was written once is read the same way for ever. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { FIXTURE, fixtureOf, makeFixture, readExpected, richStates } from '../../scripts/fixture.ts'
import { readEntries } from '../../scripts/format-example.ts'
import { FORMAT } from '../../src/log/format.ts'
import { RANGE } from '../../src/log/keys.ts'
import { decodeStore, STORE_KEY } from '../../src/log/level-entries.ts'
import { openLevelLog } from '../../src/log/open-level.ts'
import { openStore } from '../../src/open.ts'
import { fileNameFor } from '../../src/snapshot/file-name.ts'
import { readSnapshot } from '../../src/snapshot/snapshot.ts'
import type { SessionStore } from '../../src/store.ts'
import { expectExact } from '../state/exact.ts'

const cleanUp: (() => unknown)[] = []

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo()
})

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sessionlog-fixture-'))
  cleanUp.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

describe.each([0, FORMAT])('A store of format %i', format => {
  const fixture = fixtureOf(format)
  const expected = readExpected(fixture)
  const ids = new Set(expected.versions.map(({ event }) => event.sessionId))

  /** A copy of the fixture, opened at the time when it was closed. */
  async function open(options: object = {}): Promise<SessionStore<unknown>> {
    const dir = directory()
    cpSync(join(fixture, 'store'), dir, { recursive: true })
    const store = await openStore<unknown>({
      dir,
      compactEvery: 0,
      clock: () => expected.closedAt,
      ...options,
    })
    cleanUp.push(() => store.close())
    return store
  }

  function versionsOf(id: string) {
    return expected.versions.filter(({ event }) => event.sessionId === id)
  }

  for (const rebuild of [false, true]) {
    test(`the fixture opens from its ${rebuild ? 'events' : 'bases'} with the states that it was closed with`, async () => {
      const store = await open({ rebuild })
      expect(store.origin).toBe(expected.origin)
      for (const id of ids) {
        const versions = versionsOf(id)
        expect(store.version(id), id).toBe(versions.at(-1)!.event.version)
        expectExact(store.get(id), versions.at(-1)!.state)
      }
      expect([...store.ids()].sort()).toEqual(
        [...ids].filter(id => versionsOf(id).at(-1)!.state !== undefined).sort(),
      )
    })
  }

  test('the fixture holds every event as it was written, in commit order', async () => {
    const store = await open()
    const events = []
    for await (const event of store.events()) events.push(event)
    expectExact(
      events,
      expected.versions.map(({ event }) => event),
    )
  })

  test('the fixture holds the history and the state of each version of each session', async () => {
    const store = await open()
    for (const id of ids) {
      const versions = versionsOf(id)
      let at = 0
      for await (const event of store.history(id)) expectExact(event, versions[at++]!.event)
      expect(at).toBe(versions.length)
      for (const { event, state } of versions)
        expectExact(await store.stateAt(id, { version: event.version }), state)
    }
  })

  test('the fixture holds states of every type', async () => {
    const store = await open()
    for (const [index, state] of richStates().entries()) {
      expectExact(await store.stateAt('rich', { version: index + 1 }), state)
    }
    expectExact(store.get('rich'), { again: richStates() })
  })

  test('the fixture verifies, with the root that it was closed with', async () => {
    const store = await open()
    const { ok, problems, position, root, sessions, snapshots } = await store.verify()
    expect(problems).toEqual([])
    expect({ ok, position, root, sessions }).toEqual({
      ok: true,
      position: expected.position,
      root: expected.root,
      sessions: ids.size,
    })
    expect(snapshots).toBe(readdirSync(join(fixture, 'store', 'sessions_v3')).length)
  })

  test("the fixture's snapshots are those of versions of its sessions", async () => {
    const folder = join(fixture, 'store', 'sessions_v3')
    for (const name of readdirSync(folder)) {
      const snapshot = (await readSnapshot(join(folder, name)))!
      const { event, state } = versionsOf(snapshot.sessionId).find(
        each => each.event.version === snapshot.version,
      )!
      expect(name).toBe(fileNameFor(snapshot.sessionId))
      expect(snapshot).toMatchObject({ origin: expected.origin, position: event.position, hash: event.hash })
      expect(snapshot).toMatchObject({ recordedAt: event.recordedAt, schemaVersion: event.schemaVersion })
      expectExact(snapshot.state, state)
    }
  })

  test('the fixture goes on where it was closed', async () => {
    const store = await open()
    const again = await store.save(
      'cart',
      { v: 1, items: ['sugar', 'milk'] },
      { eventId: 'event/3', actor: 'ada' },
    )
    expect(again).toMatchObject({ deduplicated: true, version: versionsOf('cart').length })
    const { position, recordedAt } = await store.save('gone', { back: true })
    expect({ position, recordedAt }).toEqual({
      position: expected.position + 1,
      recordedAt: expected.closedAt,
    })
    await store.compact()
    expect((await store.verify()).problems).toEqual([])
  })
})

test('a store of format 0 is of this format once it was opened, and what it was is kept', async () => {
  const dir = directory()
  cpSync(join(fixtureOf(0), 'store'), dir, { recursive: true })
  const recordOf = async () => decodeStore((await readEntries(dir)).get(STORE_KEY)!)
  const before = await recordOf()
  expect(before.format).toBe(0)
  const entries = await readEntries(dir)
  const { closedAt } = readExpected(fixtureOf(0))
  const store = await openStore<unknown>({ dir, compactEvery: 0, clock: () => closedAt })
  await store.close()
  expect(await recordOf()).toEqual({ ...before, format: FORMAT })
  expect(JSON.parse(readFileSync(join(dir, 'store-format-0.json'), 'utf8'))).toEqual(before)
  // Nothing else has changed.
  const now = await readEntries(dir)
  for (const [key, value] of entries) if (key !== STORE_KEY) expect(now.get(key)).toEqual(value)
  expect(JSON.parse(readFileSync(join(dir, 'head.json'), 'utf8'))).toMatchObject({ format: FORMAT })
})

test('a store of a format to come is refused, and left as it is', async () => {
  const dir = directory()
  cpSync(join(FIXTURE, 'store'), dir, { recursive: true })
  const log = await openLevelLog(join(dir, 'log'))
  await log.write([{ op: 'store', record: { ...(await log.readStore())!, format: FORMAT + 1 } }], true)
  await log.close()
  const before = await readEntries(dir)
  await expect(openStore({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_FORMAT_UNSUPPORTED' })
  expect(await readEntries(dir)).toEqual(before)
})

test('this version writes the fixture, byte for byte (if it is not to: npx tsx scripts/fixture.ts)', async () => {
  const made = directory()
  await makeFixture(made)
  const copy = directory()
  cpSync(join(FIXTURE, 'store'), copy, { recursive: true })
  const [old, now] = [await readEntries(copy), await readEntries(join(made, 'store'))]
  expect([...now.keys()]).toEqual([...old.keys()])
  for (const [key, value] of now) {
    // Where a block lies depends on how well zlib packs the one before it.
    if (!key.startsWith(RANGE.archived))
      expect(value.toString('hex'), key).toBe(old.get(key)!.toString('hex'))
  }
  expectExact(readExpected(made), readExpected(FIXTURE))
})
