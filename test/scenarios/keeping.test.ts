import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Chance } from '../support/chance.ts'
import { collect } from '../support/outcome.ts'
import { create, temporary } from '../support/store.ts'
import { type Acked, StoreProcess } from '../support/workers.ts'

const ROUNDS = process.env.SESSIONLOG_LONG ? 100 : 10
const SESSIONS = ['a', 'b', 'c']

test(`A process that archives and prunes is killed ${ROUNDS} times, and loses nothing but what the policy lets go`, async () => {
  const seed = Number(process.env.SESSIONLOG_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`Keeping: SESSIONLOG_SEED=${seed}`)
  const chance = new Chance(seed)
  const dir = join(temporary(), 'store')
  const acked: Acked[] = []
  let pruned = 0
  for (let round = 0; round < ROUNDS; round++) {
    const child = await StoreProcess.open(dir, { prune: { keepLast: 20 } })
    for (const id of SESSIONS) void child.call('saveOn', id, `${round} `.repeat(10)).catch(() => {})
    void child.call('keepOn', 5).catch(() => {})
    await child.untilAcked(60)
    await delay(chance.below(300))
    await child.kill().catch(() => {})
    acked.push(...child.acked)
    const store = await create<unknown>({ dir, role: 'owner', share: false })
    expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
    for (const id of SESSIONS) {
      const events = await collect(store.history(id))
      const first = events[0]!.version
      expect(events.map(({ version }) => version)).toEqual(events.map((_, at) => first + at))
      expect(events.at(-1)!.version).toBe(store.version(id))
      const kept = acked.filter(each => each.id === id && each.version >= first)
      for (const { version, hash } of kept) expect(events[version - first]?.hash).toBe(hash)
      if (first === 1) continue
      // So many that are not about pruning must stay.
      const told = events.findLast(({ type }) => type === '$pruned')!
      expect((told.data as { to: number }).to).toBe(first - 2)
      const before = events.filter(event => event.version < told.version && event.type !== '$pruned')
      expect(before.length).toBeGreaterThanOrEqual(18)
      pruned = Math.max(pruned, first)
    }
    await store.close()
  }
  expect(pruned).toBeGreaterThan(20)
  const store = await create<unknown>({ dir })
  await store.prune()
  await store.archive({ keepLast: 0 })
  const files = readdirSync(join(dir, 'archive'))
  await store.archive({ keepLast: 0 })
  // What killed runs left is gone.
  expect(readdirSync(join(dir, 'archive'))).toEqual(files)
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
})
