import { expect, test } from 'vitest'
import { inChild } from '../support/child.ts'

/** A store whose disk fails after the first save; what it does must not take the process down. */
const store = `
  import { MemoryLevel } from 'memory-level'
  import { openStore } from '/src/index.ts'
  const said = []
  class Failing extends MemoryLevel {
    async _batch(operations, options) {
      if (globalThis.broken) throw new Error('EIO')
      return super._batch(operations, options)
    }
  }
  const logger = { debug() {}, info() {}, warn() {}, error: (_, message) => said.push(message) }
  const store = await openStore({ db: new Failing(), logger, skipUnchanged: true })
  await store.save('a', 1)
  const turn = () => new Promise(resolve => setImmediate(resolve))
`

test('Writes that nobody awaits do not take the process down when the disk fails, and it is told', async () => {
  const { code, stdout, stderr } = await inChild(`${store}
    globalThis.broken = true
    const seen = []
    store.commits.subscribe({ error: error => seen.push(error.code) })
    store.save('a', 2)
    store.save('a', 2)
    store.save('b', 1, { eventId: 'e' })
    store.save('b', 1, { eventId: 'e' })
    store.edit('a', n => n + 1)
    store.delete('a')
    store.saveAll([{ id: 'c', state: 1, eventId: 'c' }, { id: 'd', state: 1 }])
    store.touch('a', 9e15)
    await turn()
    await turn()
    store.save('a', 3)
    store.edit('a', n => n)
    store.saveAll([{ id: 'c', state: 1 }])
    await turn()
    console.log(JSON.stringify([store.status, said.length, seen]))
    await store.close()
  `)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual(['failed', 1, ['SESSIONLOG_IO_ERROR']])
})

test('A batch that nobody awaits and that waits for the log does not either', async () => {
  const { code, stderr } = await inChild(`${store}
    await store.save('a', 5, { eventId: 'known' })
    globalThis.broken = true
    store.saveAll([{ id: 'a', state: 5, eventId: 'known' }, { id: 'd', state: 1 }])
    for (let n = 0; n < 20; n++) await turn()
    if (store.status !== 'failed') throw new Error(store.status)
    await store.close()
  `)
  expect(stderr).toBe('')
  expect(code).toBe(0)
})

test.each([
  ['a conflict', `store.save('a', 2, { expectedVersion: 9 })`, 'SESSIONLOG_VERSION_CONFLICT'],
  ['a bad state', `store.save('a', () => {})`, 'SESSIONLOG_INVALID_STATE'],
  ['a reused event id', `store.save('a', 2, { eventId: 'known' })`, 'SESSIONLOG_EVENT_ID_REUSED'],
])("A caller's own mistake that nobody awaits rejects as any promise does: %s", async (_, call, code) => {
  const { stdout } = await inChild(`${store}
    await store.save('a', 1.5, { eventId: 'known' })
    process.on('unhandledRejection', error => console.log(error.code))
    ${call}
    for (let n = 0; n < 20; n++) await turn()
    await store.close()
  `)
  expect(stdout.trim()).toBe(code)
})

test('A batch that is refused for one item leaves no rejection behind for another', async () => {
  const { stdout, stderr, code } = await inChild(`${store}
    await store.save('a', 1.5, { eventId: 'known' })
    const refused = store.saveAll([{ id: 'a', state: 2, eventId: 'known' }, { id: 'b', state: () => {} }])
    console.log(await refused.catch(error => error.code))
    for (let n = 0; n < 20; n++) await turn()
    await store.close()
  `)
  expect([stdout.trim(), stderr, code]).toEqual(['SESSIONLOG_INVALID_STATE', '', 0])
})

test('An idle store keeps no process alive', async () => {
  const { code, stdout } = await inChild(`
    import { openStore } from '/src/index.ts'
    import { mkdtempSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import { join } from 'node:path'
    const dir = mkdtempSync(join(tmpdir(), 'sessionlog-test-'))
    const store = await openStore({ dir, durability: 'buffered' })
    await store.save('a', 1, { expiresAt: Date.now() + 1e9 })
    store.touch('a', Date.now() + 2e9)
    store.watch('a').subscribe(() => {})
    store.events({ live: true }).next()
    console.log('done')
  `)
  expect([code, stdout.trim()]).toEqual([0, 'done'])
})
