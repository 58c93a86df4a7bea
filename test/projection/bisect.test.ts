import { describe, expect, test } from 'vitest'
import { bisect } from '../../src/projection/bisect.ts'
import { codeOf, failureOf } from '../support/outcome.ts'
import { create } from '../support/store.ts'

interface Cart {
  items: { sku: string; price: number }[]
  total: number
}

/** A cart whose total goes below zero at version `bad`. */
async function makeStore(count: number, bad: number) {
  const store = await create<Cart>()
  for (let n = 1; n <= count; n++) {
    const total = n < bad ? n : -n
    void store.save(
      'cart',
      { items: [{ sku: 'tea', price: n }], total },
      { actor: `user-${n}`, reason: `step ${n}` },
    )
  }
  await store.flush()
  return store
}

describe('bisect()', () => {
  test('finds the first event at which the predicate became true, with its diff, actor and reason', async () => {
    for (const bad of [1, 2, 3, 64, 99, 100]) {
      const store = await makeStore(100, bad)
      const found = await store.bisect('cart', state => state.total < 0)
      expect(found).toMatchObject({
        version: bad,
        candidates: [bad],
        contradictions: [],
        event: { version: bad, actor: `user-${bad}`, reason: `step ${bad}` },
        after: { total: -bad },
      })
      expect(found.before?.total).toBe(bad === 1 ? undefined : bad - 1)
      expect(found.changes.length).toBeGreaterThan(0)
      expect(found.changes).toBe(found.event.changes)
    }
  })

  test('looks at about log2(n) states, at both ends first', async () => {
    const store = await makeStore(1000, 700)
    const asked: number[] = []
    const { evaluations } = await store.bisect('cart', (state, event) => {
      asked.push(event.version)
      return state.total < 0
    })
    expect(evaluations.slice(0, 2)).toEqual([
      { version: 0, verdict: false },
      { version: 1000, verdict: true },
    ])
    expect(evaluations.length).toBeLessThanOrEqual(2 + 10 + 4)
    // Before the first event there is no state to be asked about.
    expect(asked).toEqual(evaluations.slice(1).map(each => each.version))
  })

  test('is refused where an end is not what it should be', async () => {
    const store = await makeStore(20, 10)
    expect(await failureOf(() => store.bisect('cart', state => state.total < -100))).toMatchObject({
      code: 'SESSIONLOG_BISECT_REFUSED',
      version: 20,
    })
    expect(await failureOf(() => store.bisect('cart', () => true, { good: 4 }))).toMatchObject({
      code: 'SESSIONLOG_BISECT_REFUSED',
      version: 4,
    })
    expect(await failureOf(() => store.bisect('cart', () => true, { bad: 21 }))).toMatchObject({
      code: 'SESSIONLOG_VERSION_NOT_FOUND',
      version: 21,
    })
    expect(await failureOf(() => store.bisect('cart', () => true, { good: 4, bad: 4 }))).toMatchObject({
      code: 'SESSIONLOG_INVALID_ARGUMENT',
    })
  })

  test('stays between the ends that are given', async () => {
    const store = await makeStore(100, 50)
    const { version, evaluations } = await store.bisect('cart', state => state.total < 0, {
      good: 40,
      bad: 60,
    })
    expect(version).toBe(50)
    for (const each of evaluations) expect(each.version).toSatisfy((v: number) => v >= 40 && v <= 60)
  })

  test('goes around what is skipped, and names all that may be the first', async () => {
    const store = await makeStore(100, 50)
    const around = await store.bisect('cart', state => state.total < 0, { skip: [75, 25, 51] })
    expect(around).toMatchObject({ version: 50, candidates: [50] })
    const untestable = await store.bisect('cart', (state, { version }) =>
      version >= 47 && version <= 52 ? 'skip' : state.total < 0,
    )
    expect(untestable).toMatchObject({ version: 53, candidates: [47, 48, 49, 50, 51, 52, 53] })
  })

  test('says where a predicate was seen to be true and then false again', async () => {
    const verdicts = (version: number) => version % 2 === 0
    const { contradictions, version } = await bisect(async v => verdicts(v), 1, 1000, new Set())
    expect(verdicts(version) && !verdicts(version - 1)).toBe(true)
    expect(contradictions.length).toBeGreaterThan(0)
    for (const each of contradictions) expect(each.verdict).toBe(each.version < version)
  })

  test('takes any answer for what it is in JavaScript, and refuses a session that never was', async () => {
    const store = await makeStore(20, 5)
    const found = await store.bisect('cart', ((state: Cart) => (state.total < 0 ? 'wrong' : 0)) as never)
    expect(found).toMatchObject({
      version: 5,
      evaluations: expect.arrayContaining([{ version: 20, verdict: true }]),
    })
    expect(await codeOf(() => store.bisect('nobody', () => true))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    expect(await codeOf(() => store.bisect('cart', () => true, { skip: 5 as never }))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
  })

  test('gives what the predicate throws, and stops with the reason of its signal', async () => {
    const store = await makeStore(20, 10)
    const thrown = new Error('predicate')
    expect(
      await failureOf(() =>
        store.bisect('cart', () => {
          throw thrown
        }),
      ),
    ).toBe(thrown)
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    expect(await failureOf(() => store.bisect('cart', () => true, { signal }))).toBe(reason)
  })

  test('finds the step in a session of 20,000 events without reading all of it', async () => {
    const store = await create<Cart>()
    for (let n = 1; n <= 20_000; n++) void store.save('cart', { items: [], total: n < 12_345 ? n : -n })
    await store.flush()
    await store.compact()
    const { version, evaluations } = await store.bisect('cart', state => state.total < 0)
    expect(version).toBe(12_345)
    expect(evaluations.length).toBeLessThanOrEqual(2 + 15 + 4)
  })
})
