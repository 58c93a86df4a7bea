import { cpSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type SessionStore, withContext } from '../../src/index.ts'
import { spell } from '../state/exact.ts'
import { bundlePath } from '../support/bundles.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { everything, sized } from '../support/states.ts'
import { create, reopen, TestClock, temporary } from '../support/store.ts'

async function makeStore(): Promise<SessionStore<unknown>> {
  const clock = new TestClock()
  const store = await create<unknown>({ clock: clock.read })
  for (let n = 1; n <= 20; n++) {
    clock.now += 1000
    const state = n % 6 === 0 ? everything() : { ...sized(300), n, secret: `no. ${n}` }
    await store.save('a', state, {
      actor: { id: 'ann', type: 'user' },
      reason: `step ${n}`,
      type: 'set',
      data: { n },
      eventId: `e${n}`,
      correlationId: 'c',
      ...(n === 2 && { occurredAt: 77 }),
    })
    await store.save('b', Math.floor(n / 2), { causationId: 'z' })
    if (n === 12) await store.delete('a', { actor: 'bob' })
    if (n === 14) await store.fork('a', 'child', { version: 3 })
  }
  return store
}

/** What an event says, wherever it stands. */
async function said(store: SessionStore<unknown>, id: string, from = 1) {
  const events = await collect(store.history(id, { from }))
  return events.map(({ actor, reason, type, data, eventId, correlationId, causationId, schemaVersion }) => ({
    actor,
    reason,
    type,
    data,
    eventId,
    correlationId,
    causationId,
    schemaVersion,
  }))
}

describe('importBundle()', () => {
  test('makes the same sessions in another store, event for event, and says where each is from', async () => {
    const store = await makeStore()
    const file = bundlePath()
    await store.exportBundle(['a', 'b', 'child'], { file })
    let other = await create<unknown>({ skipUnchanged: true })
    await other.save('z', 1)
    expect(await other.importBundle(file)).toEqual({ sessions: 3, events: 42, skipped: 0 })
    for (const step of ['imported', 'compacted', 'reopened']) {
      if (step === 'compacted') await other.compact({ full: true })
      if (step === 'reopened') other = await reopen(other, { rebuild: true })
      for (const id of ['a', 'b', 'child']) {
        expect(await said(other, id)).toEqual(await said(store, id))
        const [there, here] = [await collect(other.history(id)), await collect(store.history(id))]
        for (const [at, { importedFrom, occurredAt, recordedAt }] of there.entries()) {
          const { version, hash } = here[at]!
          expect(importedFrom).toEqual({ origin: store.origin, sessionId: id, version, hash })
          expect(occurredAt).toBe(here[at]!.occurredAt ?? here[at]!.recordedAt)
          expect(recordedAt).toBeGreaterThan(here[at]!.recordedAt)
          expect(spell(await other.stateAt(id, { version }))).toBe(
            spell(await store.stateAt(id, { version })),
          )
        }
      }
      expect(await other.verify()).toMatchObject({ ok: true, sessions: 4 })
      // It was forked there, not here.
      expect(await other.lineage('child')).toEqual({ sessionId: 'child', ancestors: [], children: [] })
      expect(await other.lineage('a')).toMatchObject({ children: [] })
    }
    // A client that has not heard of it tries again, here.
    expect(await other.save('b', 11, { eventId: 'new' })).toMatchObject({ version: 21 })
    const again = { eventId: 'e20', type: 'set', data: { n: 20 } }
    expect(await other.save('a', { ...sized(300), n: 20, secret: 'no. 20' }, again)).toMatchObject({
      version: 21,
      deduplicated: true,
    })
  })

  test('gives another id, to one session or to each', async () => {
    const store = await makeStore()
    const file = bundlePath()
    await store.exportBundle('a', { file })
    await store.importBundle(file, { as: 'a again' })
    expect(store.version('a again')).toBe(21)
    expect(await store.diff('a', 3, 19)).toEqual(await store.diff('a again', 3, 19))
    await store.exportBundle(['a', 'b'], { file })
    await store.importBundle(file, { as: id => `bug/${id}` })
    expect([...store.ids()].sort()).toEqual(['a', 'a again', 'b', 'bug/a', 'bug/b', 'child'])
    for (const as of ['x', () => 'x', () => '', 7 as never])
      expect(await codeOf(() => store.importBundle(file, { as }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(store.version('x')).toBe(0)
  })

  test('begins a part of a session with the state before it', async () => {
    const store = await makeStore()
    const file = bundlePath()
    for (const [from, to] of [
      [5, 9],
      [2, 2],
      [13, 15],
      [14, 16],
    ] as const) {
      await store.exportBundle('a', { file, from, to })
      const other = await create<unknown>()
      const before = await store.stateAt('a', { version: from - 1 })
      const events = to - from + 1 + (before === undefined ? 0 : 1)
      expect(await other.importBundle(file)).toEqual({ sessions: 1, events, skipped: 0 })
      const [first] = await collect(other.history('a'))
      if (before !== undefined) {
        expect(first).toMatchObject({ type: '$imported', importedFrom: { version: from - 1 } })
        expect(spell(await other.stateAt('a', { version: 1 }))).toBe(spell(before))
      }
      for (let version = from; version <= to; version++) {
        const here = version - to + events
        expect(spell(await other.stateAt('a', { version: here }))).toBe(
          spell(await store.stateAt('a', { version })),
        )
      }
      expect(await said(other, 'a', events - (to - from))).toEqual(
        (await said(store, 'a', from)).slice(0, to - from + 1),
      )
    }
  })

  test('says what was redacted', async () => {
    const store = await makeStore()
    const file = bundlePath()
    await store.exportBundle('a', { file, redact: { state: ['/secret'], data: [] } })
    const other = await create<unknown>()
    await other.importBundle(file)
    expect(other.get('a')).toMatchObject({ n: 20, secret: { $redacted: 'string' } })
    const events = await collect(other.history('a', { from: 11, to: 13 }))
    expect(events.map(({ importedFrom }) => importedFrom?.redacted)).toEqual([true, undefined, undefined])
    expect(events.some(event => 'redacted' in event)).toBe(false)
  })

  test('goes on where it was interrupted, and brings what is new', async () => {
    const store = await makeStore()
    const [old, file] = [bundlePath(), bundlePath()]
    await store.exportBundle('a', { file: old, to: 8 })
    const other = await create<unknown>()
    await other.importBundle(old, { as: 'x' })
    await store.exportBundle(['a', 'b'], { file })
    const as = (id: string) => (id === 'a' ? 'x' : id)
    expect(await other.importBundle(file, { as })).toEqual({ sessions: 2, events: 33, skipped: 8 })
    expect(await other.importBundle(file, { as })).toEqual({ sessions: 2, events: 0, skipped: 41 })
    expect(await other.importBundle(old, { as: 'x' })).toEqual({ sessions: 1, events: 0, skipped: 8 })
    expect(await said(other, 'x')).toEqual(await said(store, 'a'))
    // Not after somebody else has been there.
    await other.save('x', 1)
    expect(await failureOf(() => other.importBundle(file, { as }))).toMatchObject({
      code: 'SESSIONLOG_VERSION_CONFLICT',
      sessionId: 'x',
    })
  })

  test('goes on behind another part of the session, or behind the state before one', async () => {
    const store = await makeStore()
    const [one, two] = [bundlePath(), bundlePath()]
    await store.exportBundle('a', { file: one, to: 8 })
    await store.exportBundle('a', { file: two, from: 9 })
    const other = await create<unknown>()
    await other.importBundle(one)
    expect(await other.importBundle(two)).toEqual({ sessions: 1, events: 13, skipped: 0 })
    expect(await said(other, 'a')).toEqual(await said(store, 'a'))
    const stopped = await create<unknown>()
    const stop = new AbortController()
    stopped.watch('a').subscribe(state => state !== undefined && stop.abort(new Error('enough')))
    await failureOf(() => stopped.importBundle(two, { signal: stop.signal }))
    expect(stopped.version('a')).toBe(1)
    expect(await stopped.importBundle(two)).toEqual({ sessions: 1, events: 13, skipped: 0 })
  })

  test('changes nothing where one event is refused, and says which', async () => {
    const store = await makeStore()
    const file = bundlePath()
    await store.exportBundle(['a', 'b'], { file })
    const refusals = [
      [{ requireActor: true }, 'SESSIONLOG_POLICY_VIOLATED', 'b', 1],
      [{ requireReason: true }, 'SESSIONLOG_POLICY_VIOLATED', 'a', 13],
      [{ schema: z.union([z.number(), z.object({ n: z.number() })]) }, 'SESSIONLOG_SCHEMA_REJECTED', 'a', 6],
    ] as const
    for (const [options, code, sessionId, version] of refusals) {
      const other = await create<unknown>(options as object)
      expect(await failureOf(() => other.importBundle(file))).toMatchObject({ code, sessionId, version })
      expect(other.size).toBe(0)
    }
    const other = await create<unknown>()
    await other.save('b', 1)
    expect(await codeOf(() => other.importBundle(file))).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect(await codeOf(() => other.importBundle(`${file}/none`))).toBe('SESSIONLOG_IO_ERROR')
    expect(await codeOf(() => other.importBundle(file, { key: 'x' }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(await codeOf(() => other.importBundle(file, { id: 'x' } as never))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
    expect([other.size, other.version('a')]).toEqual([1, 0])
    await other.close()
    expect(await codeOf(() => other.importBundle(file))).toBe('SESSIONLOG_NOT_OPEN')
  })

  test('brings states into the schema of the store, and refuses those of one to come', async () => {
    const old = await create<unknown>({ schemaVersion: 1 })
    await old.save('a', { name: 'Ann Lee' })
    await old.save('a', { name: 'Ann Ray' })
    const file = bundlePath()
    await old.exportBundle('a', { file })
    const upcast = (state: unknown) => ({ names: (state as { name: string }).name.split(' ') })
    const store = await create<unknown>({ schemaVersion: 2, upcast })
    await store.importBundle(file)
    const events = await collect(store.history('a'))
    expect(events.map(({ schemaVersion }) => schemaVersion)).toEqual([2, 2])
    expect(store.get('a')).toEqual({ names: ['Ann', 'Ray'] })
    expect(await store.diff('a', 1, 2)).toMatchObject([{ path: '/names/1' }])
    await store.exportBundle('a', { file })
    expect(await codeOf(() => old.importBundle(file, { as: 'b' }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })

  test('is refused where somebody else writes to one of its sessions meanwhile', async () => {
    const store = await create<unknown>()
    for (let n = 1; n <= 600; n++) store.save('a', n)
    await store.save('b', 1)
    await store.save('b', 2)
    const file = bundlePath()
    await store.exportBundle(['a', 'b'], { file })
    const other = await create<unknown>()
    const onProgress = () => void other.save('b', 'a stranger')
    expect(await failureOf(() => other.importBundle(file, { onProgress }))).toMatchObject({
      code: 'SESSIONLOG_VERSION_CONFLICT',
      sessionId: 'b',
    })
    expect((await collect(other.history('b'))).some(event => event.importedFrom !== undefined)).toBe(false)
    const both = await create<unknown>()
    const results = await Promise.allSettled([both.importBundle(file), both.importBundle(file)])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect([both.version('a'), both.version('b')]).toEqual([600, 2])
    expect(await both.importBundle(file)).toEqual({ sessions: 2, events: 0, skipped: 602 })
  })

  test('does not mix the pasts of two copies of a store, nor put a beginning behind a part', async () => {
    const dir = temporary()
    let store = await create<unknown>({ dir })
    for (let n = 1; n <= 3; n++) await store.save('a', n)
    await store.close()
    const copied = temporary()
    cpSync(dir, copied, { recursive: true })
    const [file, part, fork] = [bundlePath(), bundlePath(), bundlePath()]
    store = await create<unknown>({ dir })
    for (let n = 4; n <= 6; n++) await store.save('a', n)
    await store.exportBundle('a', { file })
    await store.exportBundle('a', { file: part, from: 5 })
    const copy = await create<unknown>({ dir: copied })
    for (let n = 4; n <= 8; n++) await copy.save('a', `other ${n}`)
    await copy.exportBundle('a', { file: fork })
    for (const [one, two] of [
      [file, fork],
      [part, file],
    ] as const) {
      const other = await create<unknown>()
      await other.importBundle(one)
      const { position } = other
      expect(await codeOf(() => other.importBundle(two))).toBe('SESSIONLOG_VERSION_CONFLICT')
      expect(other.position).toBe(position)
    }
  })

  test('waits where too much is under way, and asks nobody for the actor of what the store did', async () => {
    const clock = new TestClock()
    const strict = await create<unknown>({ requireActor: true, requireReason: true, clock: clock.read })
    const said = { actor: 'ann', reason: 'why' }
    for (let n = 1; n <= 20; n++) await strict.save('a', 'x'.repeat(20_000) + n, said)
    await strict.save('b', 1, { ...said, expiresAt: clock.now + 10 })
    clock.now += 20
    expect(strict.get('b')).toBeUndefined()
    await strict.flush()
    const file = bundlePath()
    await strict.exportBundle(['a', 'b'], { file })
    const other = await create<unknown>({ requireActor: true, requireReason: true, pendingBytesMax: 50_000 })
    expect(await other.importBundle(file)).toEqual({ sessions: 2, events: 22, skipped: 0 })
    expect((await collect(other.history('b'))).map(({ type }) => type)).toEqual(['saved', '$expired'])
    await strict.exportBundle('a', { file, from: 12 })
    expect(await other.importBundle(file, { as: 'part' })).toMatchObject({ events: 10 })
  })

  test('is refused where a client brought one of its event ids meanwhile', async () => {
    const store = await create<unknown>()
    for (let n = 1; n <= 600; n++) store.save('a', n)
    await store.save('b', 1, { eventId: 'e1' })
    await store.save('b', 2)
    const file = bundlePath()
    await store.exportBundle(['a', 'b'], { file })
    for (const state of [1, 'another']) {
      const other = await create<unknown>()
      const onProgress = () => void other.save('b', state, { eventId: 'e1' }).catch(() => {})
      expect(await codeOf(() => other.importBundle(file, { onProgress }))).toBe('SESSIONLOG_VERSION_CONFLICT')
      expect(other.version('b')).toBe(1)
    }
    const before = await create<unknown>()
    before.save('b', 'not awaited')
    expect(await codeOf(() => before.importBundle(file))).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect(before.version('a')).toBe(0)
  })

  test('takes an expiry back that the session no longer has', async () => {
    const clock = new TestClock()
    const store = await create<unknown>({ clock: clock.read })
    const file = bundlePath()
    await store.save('a', 1, { expiresAt: clock.now + 100 })
    await store.exportBundle('a', { file })
    const other = await create<unknown>({ clock: clock.read })
    await other.importBundle(file)
    await store.save('a', 2, { expiresAt: Number.POSITIVE_INFINITY })
    await store.exportBundle('a', { file })
    await other.importBundle(file)
    clock.now += 200
    expect([store.get('a'), other.get('a')]).toEqual([2, 2])
  })

  test('moves the expiry last, so that no session ends in the middle of it', async () => {
    const clock = new TestClock()
    const store = await create<unknown>({ clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 100 })
    for (let n = 2; n <= 600; n++) store.save('a', n)
    await store.flush()
    const file = bundlePath()
    await store.exportBundle('a', { file })
    const other = await create<unknown>({ clock: clock.read })
    const onProgress = () => {
      clock.now += 60
      other.get('a')
    }
    expect(await other.importBundle(file, { onProgress })).toEqual({ sessions: 1, events: 600, skipped: 0 })
    expect(other.get('a')).toBe(600)
  })

  test('leaves expiries that are over behind, and takes nothing from who imports', async () => {
    const clock = new TestClock()
    const store = await create<unknown>({ clock: clock.read })
    await store.save('a', 1, { expiresAt: clock.now + 1000 })
    await store.save('b', 1, { expiresAt: clock.now + 9000 })
    const file = bundlePath()
    await store.exportBundle(['a', 'b'], { file })
    clock.now += 5000
    const other = await create<unknown>({ clock: clock.read })
    await withContext({ actor: 'importer', correlationId: 'import' }, () => other.importBundle(file))
    expect([other.get('a'), other.get('b')]).toEqual([1, 1])
    const [event] = await collect(other.history('a'))
    for (const name of ['actor', 'correlationId', 'expiresAt']) expect(event).not.toHaveProperty(name)
    clock.now += 5000
    expect([other.get('a'), other.get('b')]).toEqual([1, undefined])
  })
})
