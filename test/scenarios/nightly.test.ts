import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { outcomeOf, start } from '../cli/cli.ts'
import { collect } from '../support/outcome.ts'
import { create, temporary } from '../support/store.ts'
import { StoreProcess } from '../support/workers.ts'

const nightly = (dir: string, ...args: string[]) => start('scripts/compact.ts', ['--dir', dir, ...args])

test('An app under load goes on while the nightly script has it compact ten times; nothing is lost', async () => {
  const dir = temporary()
  const app = await StoreProcess.open(dir)
  for (const id of ['a', 'b', 'c', 'd']) void app.call('saveOn', id, id)
  for (let run = 1; run <= 10; run++) {
    await app.untilAcked(100 * run)
    const before = app.acked.length
    const { code, stdout, stderr, json } = await outcomeOf(
      nightly(dir, ...(run % 2 === 0 ? ['--json'] : ['--quiet'])),
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    if (run % 2 === 0) {
      const report = {
        events: expect.any(Number),
        bytesBefore: expect.any(Number),
        bytesAfter: expect.any(Number),
      }
      expect(json).toMatchObject([{ ...report, sessions: 4, problems: [] }])
    } else expect(stdout).toBe('')
    await app.untilAcked(before + 1)
  }
  await app.kill()
  const store = await create({ dir })
  const events = await collect(store.events())
  for (const { id, version, position, hash } of app.acked)
    expect(events[position - 1]).toMatchObject({ sessionId: id, version, hash })
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
})

test('While the store is being compacted, another compaction says so and ends with 8', async () => {
  const dir = temporary()
  const store = await create<number>({ dir })
  for (let n = 0; n < 50; n++) store.save(`s${n}`, n)
  let done = false
  const compactions = (async () => {
    while (!done) await store.compact({ full: true })
  })()
  const { code, stdout, stderr } = await outcomeOf(nightly(dir))
  done = true
  await compactions
  expect({ code, stdout }).toEqual({ code: 8, stdout: '' })
  expect(stderr).toContain('SESSIONLOG_COMPACTION_RUNNING')
  expect((await outcomeOf(nightly(dir, '--quiet'))).code).toBe(0)
})

test('Ctrl-C stops the compaction that an app does for the script; the app and its store go on', async () => {
  const dir = temporary()
  const store = await create<{ n: number }>({ dir })
  await Promise.all(Array.from({ length: 5000 }, (_, n) => store.save(`s${n}`, { n })))
  const child = nightly(dir, '--full')
  const outcome = outcomeOf(child)
  while (readdirSync(join(dir, 'sessions_v3')).length < 100) await pause(5)
  child.kill('SIGINT')
  expect((await outcome).code).toBe(130)
  // It ends between two groups of sessions, and whoever waits for it is next.
  await store.compact()
  expect(await store.compact({ wait: false })).toMatchObject({ sessions: 0 })
  expect(readdirSync(join(dir, 'sessions_v3'))).toHaveLength(5000)
  expect(await store.save('s1', { n: -1 })).toMatchObject({ version: 2 })
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
})
