import { describe, expect, test } from 'vitest'
import type { RecordedEvent, SessionStore } from '../../src/index.ts'
import { collect } from '../support/outcome.ts'
import { create, temporary } from '../support/store.ts'
import { type Acked, StoreProcess } from '../support/workers.ts'

type State = Record<string, unknown>

/** Every acknowledged save is in the log, where it was said to be, and once; the log is whole. */
async function expectKept(store: SessionStore<State>, acked: readonly Acked[]): Promise<RecordedEvent[]> {
  const events = await collect(store.events())
  expect(events.map(event => event.position)).toEqual(events.map((_, index) => index + 1))
  for (const { id, version, position, hash, state } of acked) {
    expect(events[position - 1]).toMatchObject({ sessionId: id, version, hash })
    if (state !== undefined) expect(await store.stateAt(id, { version })).toEqual(state)
  }
  expect(new Set(acked.map(({ position }) => position)).size).toBe(acked.length)
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
  return events
}

describe('When the owner is killed, a follower takes its place, and', () => {
  test('nothing acknowledged is lost, and what was under way is recorded once', async () => {
    const dir = temporary()
    let owner = await StoreProcess.open(dir)
    const processes = [owner]
    await owner.call('save', 'sum', { sum: 0 })
    for (let round = 0; round < 4; round++) {
      const followers = [await StoreProcess.open(dir), await StoreProcess.open(dir)]
      processes.push(...followers)
      const counted = followers.map(follower => follower.call('count', 'sum', 400))
      void owner.call('count', 'sum', 400)
      await followers[0]!.untilAcked(50 * (round + 1))
      await owner.kill()
      await Promise.all(counted)
      // One of the two is the owner by now; it goes last.
      await followers[1]!.kill()
      owner = followers[0]!
      await owner.call('flush')
    }
    await owner.kill()
    const store = await create<State>({ dir })
    const events = await expectKept(
      store,
      processes.flatMap(each => each.acked),
    )
    // Each edit after the first save added one: none was lost, none was made twice.
    expect(store.get('sum')).toEqual({ sum: events.length - 1 })
    // Those of the followers were all acknowledged, those of the killed owners only as far as they came.
    expect(events.length).toBeGreaterThan(4 * 2 * 400)
  })

  test('whoever reads and follows goes on without a gap', async () => {
    const dir = temporary()
    const owner = await StoreProcess.open(dir)
    const follower = await StoreProcess.open(dir)
    const reader = await create<State>({ dir, role: 'follower' })
    const seen: number[] = []
    reader.commits.subscribe(events => seen.push(...events.map(event => event.position)))
    void owner.call('saveOn', 'a', 'owner')
    void follower.call('saveOn', 'b', 'follower')
    await follower.untilAcked(100)
    await owner.kill()
    await follower.untilAcked(300)
    await reader.flush()
    expect(seen).toEqual(seen.map((_, index) => seen[0]! + index))
    expect(reader.position).toBe(seen.at(-1))
    const last = follower.acked.at(-1)!
    expect(reader.version('b')).toBeGreaterThanOrEqual(last.version)
    expect(await reader.stateAt('b', { version: last.version })).toEqual(last.state)
    expect(await collect(reader.history('a'))).toHaveLength(reader.version('a'))
    await follower.kill()
    await reader.close()
    await expectKept(await create<State>({ dir }), [...owner.acked, ...follower.acked])
  })
})

test('A stopped owner stays the owner: saves wait, nobody else opens the store, and all goes on when it does', async () => {
  const dir = temporary()
  const owner = await StoreProcess.open(dir)
  const follower = await StoreProcess.open(dir)
  await owner.call('save', 'a', { n: 1 })
  await follower.call('flush')
  owner.signal('SIGSTOP')
  const saved = follower.call('save', 'a', { n: 2 })
  expect(await follower.call('get', 'a')).toEqual({ n: 2 })
  await expect(create({ dir, role: 'owner' })).rejects.toMatchObject({ code: 'SESSIONLOG_LOCKED' })
  await expect(create({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_LOCKED', transient: true })
  owner.signal('SIGCONT')
  expect(await saved).toMatchObject({ version: 2 })
  await owner.call('flush')
  expect(await owner.call('get', 'a')).toEqual({ n: 2 })
})
