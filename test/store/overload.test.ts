import { describe, expect, test } from 'vitest'
import type { SessionlogError } from '../../src/index.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { create, TestClock } from '../support/store.ts'

describe('Beyond pendingBytesMax', () => {
  test('writes are refused for now, nothing changed, until some are through', async () => {
    const db = new ObservedLevel()
    const store = await create<string>({ db, pendingBytesMax: 10_000 })
    await store.save('a', 'first')
    const release = db.hold()
    const through = [store.save('a', 'x'.repeat(9_000))]
    const failure = (await failureOf(() => store.save('a', 'y'.repeat(9_000)))) as SessionlogError
    expect(failure).toMatchObject({ code: 'SESSIONLOG_OVERLOADED', transient: true })
    const more = 'z'.repeat(9_000)
    expect(await codeOf(() => store.edit('a', () => more))).toBe('SESSIONLOG_OVERLOADED')
    expect(await codeOf(() => store.save('new', more, { eventId: 'e' }))).toBe('SESSIONLOG_OVERLOADED')
    expect(await codeOf(() => store.saveAll([{ id: 'new', state: more }]))).toBe('SESSIONLOG_OVERLOADED')
    expect(store.get('a')).toBe('x'.repeat(9_000))
    expect([store.version('a'), store.version('new'), store.size]).toEqual([2, 0, 1])
    release()
    await Promise.all(through)
    expect(await store.save('new', more, { eventId: 'e' })).toMatchObject({ version: 1, deduplicated: false })
    expect(await store.save('a', more)).toMatchObject({ version: 3 })
    expect(await collect(store.events())).toHaveLength(4)
    expect(await store.verify()).toMatchObject({ ok: true })
  })

  test('a single write gets through, however large, where nothing waits', async () => {
    const store = await create<string>({ db: new ObservedLevel(), pendingBytesMax: 1 })
    expect(await store.save('a', 'x'.repeat(100_000))).toMatchObject({ version: 1 })
  })

  test('small writes are counted by what they hold in memory, not by their number alone', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db, pendingBytesMax: 100_000 })
    const release = db.hold()
    const outcomes: Promise<unknown>[] = []
    for (let n = 0; n < 2_000; n++) outcomes.push(store.save(`s${n}`, n).catch(error => error.code))
    const { size } = store
    expect(size).toBeGreaterThan(100)
    expect(size).toBeLessThan(2_000)
    release()
    const codes = (await Promise.all(outcomes)).filter(outcome => typeof outcome === 'string')
    expect(new Set(codes)).toEqual(new Set(['SESSIONLOG_OVERLOADED']))
    expect(size + codes.length).toBe(2_000)
  })

  test('an edit counts what it changes, not the whole state', async () => {
    const db = new ObservedLevel()
    const store = await create<{ big: string; n: number }>({ db, pendingBytesMax: 20_000 })
    await store.save('a', { big: 'x'.repeat(1_000_000), n: 0 })
    const release = db.hold()
    const edits = Array.from({ length: 20 }, () => store.edit('a', draft => void draft.n++))
    release()
    await Promise.all(edits)
    expect(store.get('a')!.n).toBe(20)
  })

  test('a session whose time is up still ends, and reading does not fail', async () => {
    const clock = new TestClock()
    const db = new ObservedLevel()
    const store = await create<string>({ db, clock: clock.read, pendingBytesMax: 1 })
    await store.save('a', 'x', { expiresAt: clock.now + 10 })
    const release = db.hold()
    const waiting = store.save('b', 'y')
    clock.now += 10
    expect(store.get('a')).toBeUndefined()
    expect([...store.ids()]).toEqual(['b'])
    release()
    await waiting
    expect((await collect(store.history('a'))).map(event => event.type)).toEqual(['saved', '$expired'])
  })
})
