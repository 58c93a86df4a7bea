import { describe, expect, test } from 'vitest'
import type { Reducer } from '../../src/index.ts'
import { apply } from '../../src/state/apply.ts'
import { codeOf, failureOf } from '../support/outcome.ts'
import { create } from '../support/store.ts'

interface Counter {
  count: number
  last?: string
}

const reducer: Reducer<Counter> = (state, { type, data }) => {
  if (type === 'deleted') return undefined
  const count = state?.count ?? 0
  return { count: count + (data as { by: number }).by, last: type }
}

async function makeStore() {
  const store = await create<Counter>()
  let count = 0
  for (const by of [1, 2, 3, 4]) {
    count += by
    await store.save('a', { count, last: 'added' }, { type: 'added', data: { by } })
  }
  return store
}

describe('checkReplay()', () => {
  test('passes where the reducer makes what was recorded', async () => {
    const store = await makeStore()
    await store.delete('a')
    await store.save('a', { count: 5, last: 'added' }, { type: 'added', data: { by: 5 } })
    expect(await store.checkReplay('a', reducer)).toEqual({ ok: true, checked: 6, skipped: 0 })
    expect(await codeOf(() => store.checkReplay('nobody', reducer))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
  })

  test('answers with the first divergence, as data', async () => {
    const store = await makeStore()
    const broken: Reducer<Counter> = (state, event) => {
      const next = reducer(state, event) as Counter
      return event.version === 3 ? { ...next, count: next.count + 1 } : next
    }
    const { ok, checked, divergence } = await store.checkReplay('a', broken)
    expect({ ok, checked }).toEqual({ ok: false, checked: 3 })
    expect(divergence).toMatchObject({
      version: 3,
      event: { version: 3, type: 'added', data: { by: 3 } },
      expected: { count: 6 },
      actual: { count: 7 },
      diff: [{ op: 'replace', path: '/count', value: 7 }],
    })
    expect(apply(divergence!.diff, divergence!.expected)).toEqual(divergence!.actual)
    expect(await store.checkReplay('a', broken, { until: 2 })).toMatchObject({ ok: true, checked: 2 })
  })

  test('takes a reducer that throws, or answers with what is no state, for a divergence', async () => {
    const store = await makeStore()
    const thrown = new Error('reducer')
    const throws = await store.checkReplay('a', () => {
      throw thrown
    })
    expect(throws.divergence).toMatchObject({ version: 1, error: thrown, actual: undefined })
    const odd = await store.checkReplay('a', (() => ({ f: () => 1 })) as never)
    expect(odd.divergence).toMatchObject({ version: 1, error: { code: 'SESSIONLOG_INVALID_STATE' } })
    const nothing = await store.checkReplay('a', () => undefined)
    expect(nothing.divergence).toMatchObject({
      version: 1,
      actual: undefined,
      diff: [{ op: 'remove', path: '' }],
    })
  })

  test("passes over the store's own events", async () => {
    const store = await makeStore()
    await store.revert('a', { version: 1 })
    await store.save('a', { count: 3, last: 'added' }, { type: 'added', data: { by: 2 } })
    expect(await store.checkReplay('a', reducer)).toEqual({ ok: true, checked: 5, skipped: 1 })
  })

  test('a reducer cannot reach what was recorded', async () => {
    const store = await create<{ when: Date }>()
    await store.save('a', { when: new Date(1) })
    await store.save('a', { when: new Date(2) })
    const tampering: Reducer<{ when: Date }> = (state, { changes }) => {
      ;(state?.when as Date | undefined)?.setTime(99)
      for (const change of changes)
        if ('value' in change && change.value instanceof Date) change.value.setTime(98)
      return { when: new Date(1) }
    }
    const { divergence } = await store.checkReplay('a', tampering)
    expect(divergence).toMatchObject({ version: 2, expected: { when: new Date(2) } })
  })

  test('refuses what is no reducer, and stops with the reason of its signal', async () => {
    const store = await makeStore()
    expect(await codeOf(() => store.checkReplay('a', 5 as never))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    expect(await failureOf(() => store.checkReplay('a', reducer, { signal }))).toBe(reason)
  })
})
