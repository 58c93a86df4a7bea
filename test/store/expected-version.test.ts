import { describe, expect, test } from 'vitest'
import type { ExpectedVersion } from '../../src/index.ts'
import { VersionConflictError } from '../../src/index.ts'
import { codeOf, failureOf } from '../support/outcome.ts'
import { create } from '../support/store.ts'

/** How a session may stand, and which expectations hold of it. */
const STANDINGS: [name: string, version: number, met: ExpectedVersion[], unmet: ExpectedVersion[]][] = [
  ['never existed', 0, [0, 'no_session', 'any'], [1, 2, 'session_exists']],
  ['has a state', 1, [1, 'session_exists', 'any'], [0, 2, 'no_session']],
  ['is deleted', 2, [2, 'no_session', 'any'], [0, 1, 3, 'session_exists']],
  ['has a state again', 3, [3, 'session_exists', 'any'], [0, 1, 2, 4, 'no_session']],
]

async function standing(version: number) {
  const store = await create<{ n: number }>()
  if (version > 0) store.save('a', { n: 1 })
  if (version > 1) store.delete('a')
  if (version > 2) store.save('a', { n: 3 })
  return store
}

describe.each(STANDINGS)('expectedVersion, where a session %s', (_, version, met, unmet) => {
  test.each(met)('%s lets a save through', async expectedVersion => {
    const store = await standing(version)
    expect(await store.save('a', { n: 9 }, { expectedVersion })).toMatchObject({ version: version + 1 })
  })

  test.each(unmet)('%s rejects a save, and changes nothing', async expectedVersion => {
    const store = await standing(version)
    const before = store.get('a')
    const failure = await failureOf(() => store.save('a', { n: 9 }, { expectedVersion }))
    expect(failure).toBeInstanceOf(VersionConflictError)
    expect(failure).toMatchObject({
      code: 'SESSIONLOG_VERSION_CONFLICT',
      sessionId: 'a',
      expected: expectedVersion,
      actual: version,
    })
    expect(store.get('a')).toBe(before)
    expect(store.version('a')).toBe(version)
  })

  test.each(unmet)('%s rejects a delete, also of what is not there', async expectedVersion => {
    const store = await standing(version)
    expect(await codeOf(() => store.delete('a', { expectedVersion }))).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect(store.version('a')).toBe(version)
  })

  test.each(unmet)('%s rejects an edit without running its recipe', async expectedVersion => {
    const store = await standing(version)
    let ran = false
    const recipe = () => {
      ran = true
    }
    expect(await codeOf(() => store.edit('a', recipe, { expectedVersion }))).toBe(
      'SESSIONLOG_VERSION_CONFLICT',
    )
    expect(ran).toBe(false)
  })

  test.each(unmet)('%s in one item rejects a whole batch', async expectedVersion => {
    const store = await standing(version)
    const batch = [
      { id: 'b', state: { n: 1 } },
      { id: 'a', state: { n: 9 }, expectedVersion },
    ]
    expect(await codeOf(() => store.saveAll(batch))).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect(store.has('b')).toBe(false)
    expect(store.version('a')).toBe(version)
  })
})

test('expectedVersion is compared with what readers see, in the same tick', async () => {
  const store = await create<number>()
  const first = store.save('a', 1, { expectedVersion: 0 })
  const second = store.save('a', 2, { expectedVersion: 1 })
  const stale = codeOf(() => store.save('a', 3, { expectedVersion: 1 }))
  expect(store.get('a')).toBe(2)
  expect(await stale).toBe('SESSIONLOG_VERSION_CONFLICT')
  expect([(await first).version, (await second).version]).toEqual([1, 2])
})

test('of many writers that expect the same version exactly one gets through', async () => {
  const store = await create<number>()
  await store.save('a', 0)
  const saves = Array.from({ length: 50 }, (_, n) => store.save('a', n, { expectedVersion: 1 }))
  const outcomes = await Promise.allSettled(saves)
  expect(outcomes.filter(outcome => outcome.status === 'fulfilled')).toHaveLength(1)
  expect(store.get('a')).toBe(0)
  expect(store.version('a')).toBe(2)
})

test('expectedVersion in a batch counts what the items before have made', async () => {
  const store = await create<number>()
  const receipts = await store.saveAll([
    { id: 'a', state: 1, expectedVersion: 0 },
    { id: 'a', state: 2, expectedVersion: 1 },
    { id: 'a', delete: true, expectedVersion: 'session_exists' },
    { id: 'a', state: 4, expectedVersion: 'no_session' },
  ])
  expect(receipts.map(receipt => receipt.version)).toEqual([1, 2, 3, 4])
})
