import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { collect } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'

const PENDING_BYTES_MAX = 4 * 1024 * 1024
/** `SESSIONLOG_LONG=1` saves for a whole minute. */
const LONG_MS = process.env.SESSIONLOG_LONG === '1' ? 60_000 : 0
const SAVES_MIN = 3_000

test('An app that saves faster than the disk stays under pendingBytesMax, and recovers', async () => {
  const store = await create<{ n: number; text: string }>({ pendingBytesMax: PENDING_BYTES_MAX })
  const kept = new Map<number, Promise<unknown>>()
  let refused = 0
  let most = 0
  const startMs = performance.now()
  for (let n = 0; n < SAVES_MIN || performance.now() - startMs < LONG_MS; n++) {
    // Fresh text each time, so that it has to be written.
    const saved = store.save(`s${n % 50}`, { n, text: String(n).repeat(8_000) })
    kept.set(
      n,
      saved.catch(error => {
        expect(error).toMatchObject({ code: 'SESSIONLOG_OVERLOADED', transient: true })
        kept.delete(n)
        refused++
      }),
    )
    // Far more at once than the disk takes; then a turn for what was acknowledged.
    if (n % 500 !== 499) continue
    const { queue } = await store.stats()
    most = Math.max(most, queue.bytes)
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(refused).toBeGreaterThan(0)
  expect(most).toBeGreaterThan(PENDING_BYTES_MAX / 2)
  expect(most).toBeLessThanOrEqual(PENDING_BYTES_MAX)
  await Promise.all(kept.values())
  expect((await store.stats()).queue).toMatchObject({ transactions: 0, bytes: 0 })
  expect(store.health()).toEqual({ status: 'open', reasons: [] })
  expect(await store.save('after', { n: -1, text: '' })).toMatchObject({ version: 1 })
  const again = await reopen(store)
  const last = new Map<string, number>()
  for (const n of kept.keys()) last.set(`s${n % 50}`, n)
  for (const [id, n] of last) expect(again.get(id)).toMatchObject({ n })
  expect((await collect(again.events())).length).toBe(kept.size + 1)
})
