import { describe, expect, test } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { create, reopen } from '../support/store.ts'

async function filled() {
  const store = await create<unknown>()
  for (let n = 0; n < 40; n++) {
    store.save(`s${n % 5}`, n % 3 === 0 ? everything() : { n }, n % 4 === 0 ? { eventId: `e${n}` } : {})
    if (n === 20) await store.compact()
  }
  await store.delete('s1')
  return store
}

describe('verify()', () => {
  test('reads everything, and says what there is', async () => {
    const store = await filled()
    expect(await store.verify()).toEqual({
      ok: true,
      origin: store.origin,
      position: 41,
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
      sessions: 5,
      commits: expect.any(Number),
      bases: 5,
      snapshots: 5,
      durationMs: expect.any(Number),
      problems: [],
    })
  })

  test('holds after a restart, a rebuild and another compaction', async () => {
    let store = await filled()
    const { root } = await store.verify()
    store = await reopen(store)
    expect(await store.verify()).toMatchObject({ ok: true, root })
    await store.compact()
    expect(await store.verify()).toMatchObject({ ok: true, root, snapshots: 4 })
    store = await reopen(store, { rebuild: true })
    store.get('s0')
    expect(await store.verify()).toMatchObject({ ok: true, root })
  })

  test('runs while saves and compactions go on', async () => {
    const store = await filled()
    let saving = true
    const saves = (async () => {
      for (let n = 0; saving; n++) {
        await store.save(`s${n % 5}`, { n })
        if (n % 10 === 0) await store.compact()
      }
    })()
    for (let round = 0; round < 5; round++)
      expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
    saving = false
    await saves
  })

  test('tells of its progress, and stops with the reason of its signal', async () => {
    const store = await filled()
    const told: { events: number; of: number }[] = []
    await store.verify({ onProgress: progress => told.push(progress) })
    expect(told.at(-1)).toEqual({ events: 41, of: 41 })
    const reason = new Error('enough')
    expect(await failureOf(() => store.verify({ signal: AbortSignal.abort(reason) }))).toBe(reason)
    const controller = new AbortController()
    const stop = () => controller.abort(reason)
    expect(await failureOf(() => store.verify({ signal: controller.signal, onProgress: stop }))).toBe(reason)
    expect(store.status).toBe('open')
  })

  test('changes nothing', async () => {
    const store = await filled()
    const first = await store.verify()
    const second = await store.verify()
    expect({ ...second, durationMs: 0 }).toEqual({ ...first, durationMs: 0 })
  })
})
