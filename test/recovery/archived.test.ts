import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { examine, type SessionStore, salvage } from '../../src/index.ts'
import { collect } from '../support/outcome.ts'
import { create, directoryOf, temporary } from '../support/store.ts'

/** A store of which most is archived, closed. */
async function archived(): Promise<{
  dir: string
  store: SessionStore<unknown>
  events: readonly unknown[]
}> {
  const store = await create<unknown>({ prune: { keepLast: 10 } })
  for (let n = 0; n < 60; n++) {
    await store.save('a', { n, text: 'text '.repeat(n) })
    await store.save('b', { n })
  }
  await store.archive({ keepLast: 5 })
  const events = await collect(store.events())
  return { dir: directoryOf(store as never), store, events }
}

test('a look at a store reads its archive, whoever holds it', async () => {
  const { dir, store } = await archived()
  for (const isHeld of [true, false]) {
    if (!isHeld) await store.close()
    const { ok, findings } = await examine({ dir, deep: true })
    expect(findings.filter(({ severity }) => severity === 'problem')).toEqual([])
    expect(ok).toBe(true)
  }
  const folder = join(dir, 'archive')
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  expect((await examine({ dir, deep: true })).ok).toBe(false)
})

test('what is archived is saved with the rest', async () => {
  const { dir, store, events } = await archived()
  await store.close()
  const to = join(temporary(), 'saved')
  const report = await salvage({ from: dir, dir: to })
  expect(report).toMatchObject({ ok: true, kept: 120, losses: [] })
  expect(report.sources.map(({ name }) => name)).toContain('archive')
  const saved = await create<unknown>({ dir: to })
  expect(await collect(saved.events())).toEqual(events)
  expect(await saved.verify()).toMatchObject({ ok: true, problems: [] })
})

test('of a store that was pruned, what is left is saved as new events, and the rest is told', async () => {
  const { dir, store } = await archived()
  await store.prune()
  const first = (await collect(store.history('a')))[0]!.version
  const state = store.get('a')
  await store.close()
  const to = join(temporary(), 'saved')
  const report = await salvage({ from: dir, dir: to })
  expect(first).toBeGreaterThan(2)
  expect(report.ok).toBe(false)
  const saved = await create<unknown>({ dir: to })
  expect(saved.get('a')).toEqual(state)
  expect(await saved.verify()).toMatchObject({ ok: true, problems: [] })
})

test('a hold is still one, and what was pruned does not come back from a backup', async () => {
  const { dir, store } = await archived()
  const backup = join(temporary(), 'backup')
  await store.backup(backup)
  await store.legalHold('b', true, { reason: 'case 7' })
  await store.prune()
  const events = await collect(store.events())
  await store.close()
  const to = join(temporary(), 'saved')
  expect(await salvage({ from: dir, dir: to, backup })).toMatchObject({ ok: true, kept: 122, remade: 0 })
  const saved = await create<unknown>({ dir: to })
  expect(await collect(saved.events())).toEqual(events)
  await saved.archive({ keepLast: 0 })
  expect(await saved.prune()).toMatchObject({ held: 1 })
  expect(await saved.verify()).toMatchObject({ ok: true, problems: [] })
})
