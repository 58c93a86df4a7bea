import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openLevelLog } from '../../src/log/open-level.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { create, directoryOf, reopen } from '../support/store.ts'

async function makeStore() {
  const store = await create<{ n: number }>()
  for (let n = 1; n <= 3; n++) await store.save('a', { n })
  return store
}

describe('fork()', () => {
  test('begins a session with the state of a version, and says where it comes from', async () => {
    const store = await makeStore()
    const [, second] = await collect(store.history('a'))
    const receipt = await store.fork('a', 'b', { version: 2, actor: 'ann', reason: 'what if' })
    expect(receipt).toMatchObject({ sessionId: 'b', version: 1 })
    expect(store.get('b')).toEqual({ n: 2 })
    expect(await collect(store.history('b'))).toMatchObject([
      {
        type: '$forked',
        actor: 'ann',
        reason: 'what if',
        data: { from: { sessionId: 'a', version: 2, hash: second!.hash } },
      },
    ])
    expect([store.version('a'), store.get('a')]).toEqual([3, { n: 3 }])
  })

  test('is the same after a restart, a compaction, and without its parent', async () => {
    let store = await makeStore()
    await store.fork('a', 'b', { version: 1 })
    await store.delete('a')
    await store.compact()
    store = await reopen(store, { rebuild: true })
    expect(store.get('b')).toEqual({ n: 1 })
    await store.save('b', { n: 9 })
    expect(await store.lineage('b')).toMatchObject({ ancestors: [{ sessionId: 'a', version: 1 }] })
    expect(await store.verify()).toMatchObject({ ok: true })
  })

  test('is refused where the session has ever been, and of a version that is not there', async () => {
    const store = await makeStore()
    await store.save('gone', { n: 0 })
    await store.delete('gone')
    const before = store.version('a')
    expect(await codeOf(() => store.fork('a', 'gone', { version: 1 }))).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect(await codeOf(() => store.fork('a', 'a', { version: 1 }))).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect(await codeOf(() => store.fork('a', 'b', { version: 4 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await codeOf(() => store.fork('gone', 'b', { version: 2 }))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    expect(await codeOf(() => store.fork('a', '', { version: 1 }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    for (const options of [{}, { version: 0 }, { version: 1, type: 'x' }, { version: 1, data: 1 }, undefined])
      expect(await codeOf(() => store.fork('a', 'b', options as never))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect([store.has('b'), store.version('b'), store.version('a')]).toEqual([false, 0, before])
  })

  test('with an event id happens once', async () => {
    const store = await makeStore()
    const first = await store.fork('a', 'b', { version: 1, eventId: 'e' })
    expect(await store.fork('a', 'b', { version: 1, eventId: 'e' })).toEqual({ ...first, deduplicated: true })
    expect(await codeOf(() => store.fork('a', 'b', { version: 2, eventId: 'e' }))).toBe(
      'SESSIONLOG_EVENT_ID_REUSED',
    )
  })
})

describe('revert()', () => {
  test('goes back to an old state as a new event, which names the old one', async () => {
    const store = await makeStore()
    const [first] = await collect(store.history('a'))
    expect(await store.revert('a', { version: 1, reason: 'oops' })).toMatchObject({ version: 4 })
    expect(store.get('a')).toEqual({ n: 1 })
    const events = await collect(store.history('a'))
    expect(events).toHaveLength(4)
    expect(events[3]).toMatchObject({
      type: '$reverted',
      reason: 'oops',
      data: { to: { version: 1, hash: first!.hash } },
    })
  })

  test('to where there was no state ends it, and back again', async () => {
    const store = await makeStore()
    await store.delete('a')
    await store.save('a', { n: 5 })
    expect(await store.revert('a', { version: 4 })).toMatchObject({ version: 6 })
    expect(store.has('a')).toBe(false)
    await store.revert('a', { version: 5 })
    expect(store.get('a')).toEqual({ n: 5 })
    expect(await codeOf(() => store.revert('a', { version: 8 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
  })
})

test('fork and revert bring back what was recorded, although a schema would make something else of it', async () => {
  const schema = z.object({ n: z.number().transform(n => n + 1) })
  const store = await create<{ n: number }>({ schema: schema as never })
  await store.save('a', { n: 1 })
  await store.save('a', { n: 5 })
  await store.fork('a', 'b', { version: 1 })
  await store.revert('a', { version: 1 })
  expect([store.get('a'), store.get('b')]).toEqual([{ n: 2 }, { n: 2 }])
})

describe('lineage()', () => {
  test('tells the tree, up and down', async () => {
    let store = await makeStore()
    await store.fork('a', 'b', { version: 1 })
    await store.fork('a', 'c', { version: 3 })
    await store.fork('b', 'b/1', { version: 1 })
    await store.save('b/1', { n: 7 })
    await store.fork('b/1', 'b/2', { version: 2 })
    store = await reopen(store)
    expect(await store.lineage('a')).toEqual({
      sessionId: 'a',
      ancestors: [],
      children: [
        {
          sessionId: 'b',
          version: 1,
          children: [
            { sessionId: 'b/1', version: 1, children: [{ sessionId: 'b/2', version: 2, children: [] }] },
          ],
        },
        { sessionId: 'c', version: 3, children: [] },
      ],
    })
    const { ancestors, children } = await store.lineage('b/2')
    expect(ancestors.map(each => [each.sessionId, each.version])).toEqual([
      ['b/1', 2],
      ['b', 1],
      ['a', 1],
    ])
    expect(children).toEqual([])
    expect(await codeOf(() => store.lineage('nobody'))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
  })

  test('believes the events, and says where the index is another', async () => {
    const store = await makeStore()
    await store.save('stranger', { n: 0 })
    await store.close()
    const log = await openLevelLog(`${directoryOf(store as never)}/log`)
    await log.write([{ op: 'fork', sessionId: 'a', version: 1, child: 'stranger' }], true)
    await log.close()
    const reopened = await create({ dir: directoryOf(store as never) })
    expect(await failureOf(() => reopened.lineage('a'))).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
      sessionId: 'stranger',
    })
    const { ok, problems } = await reopened.verify()
    expect(ok).toBe(false)
    expect(problems).toMatchObject([{ code: 'SESSIONLOG_CORRUPTION', sessionId: 'stranger', version: 1 }])
  })
})
