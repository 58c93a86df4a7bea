import { describe, expect, test } from 'vitest'
import { collect, failureOf } from '../support/outcome.ts'
import { create, reopen, TestClock } from '../support/store.ts'

describe('recordedAt', () => {
  test('never goes backwards in position order, when the clock does', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    const steps = [5, -1_657, 0, 3, -10, 2_000, -1]
    for (const [n, step] of steps.entries()) {
      clock.now += step
      store.save(`s${n % 3}`, n)
    }
    const events = await collect(store.events())
    const times = events.map(event => event.recordedAt)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(Math.max(...times)).toBe(times.at(-1))
    expect(times).toHaveLength(steps.length)
  })

  test('does not go backwards over a restart either', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    const { recordedAt } = await store.save('a', 1)
    clock.now -= 60_000
    expect(await (await reopen(store)).save('b', 1)).toMatchObject({ recordedAt })
  })

  test('is an integer, whatever the clock answers with', async () => {
    const clock = new TestClock(1_234.75)
    const store = await create<number>({ clock: clock.read })
    expect(await store.save('a', 1)).toMatchObject({ recordedAt: 1_234 })
  })

  test.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e300,
  ])('of a clock that answers with %s is refused', async now => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    const before = clock.now
    clock.now = now
    expect(await failureOf(() => store.save('a', 1))).toMatchObject({
      name: 'SessionlogTypeError',
      code: 'SESSIONLOG_INVALID_ARGUMENT',
      path: 'clock',
    })
    expect([store.has('a'), store.version('a')]).toEqual([false, 0])
    clock.now = before
    expect(await store.save('a', 1)).toMatchObject({ version: 1, recordedAt: before })
  })

  test('is the same in the receipt and in the event', async () => {
    let now = 0
    const store = await create<number>({ clock: () => ++now })
    const receipts = await Promise.all(Array.from({ length: 20 }, (_, n) => store.save('a', n)))
    const events = await collect((await reopen(store)).history('a'))
    expect(events.map(event => event.recordedAt)).toEqual(receipts.map(receipt => receipt.recordedAt))
  })
})

test('occurredAt is kept as given, and may go backwards', async () => {
  const store = await create<number>()
  const times = [5_000, 4_000.5, -1, 0, 1e300]
  for (const occurredAt of times) await store.save('a', 1, { occurredAt })
  const events = await collect((await reopen(store)).history('a'))
  expect(events.map(event => event.occurredAt)).toEqual(times)
})
