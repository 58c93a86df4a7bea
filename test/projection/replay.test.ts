import { firstValueFrom, lastValueFrom, take, toArray, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { apply } from '../../src/state/apply.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { RecordingLogger } from '../support/recording-logger.ts'
import { create, TestClock } from '../support/store.ts'

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

async function makeStore() {
  const clock = new TestClock(1_000)
  const store = await create<{ n: number }>({ clock: clock.read })
  for (const pause of [0, 1_000, 3_000, 0, 500]) {
    clock.now += pause
    await store.save('a', { n: store.version('a') + 1 })
  }
  return store
}

describe('replay()', () => {
  test('gives each event with the states around it, to the very last', async () => {
    const store = await makeStore()
    await store.delete('a')
    const steps = await lastValueFrom(store.replay('a').pipe(toArray()))
    expect(steps.map(step => step.event)).toEqual(await collect(store.history('a')))
    expect(steps.map(step => step.after?.n)).toEqual([1, 2, 3, 4, 5, undefined])
    expect(steps.map(step => step.before?.n)).toEqual([undefined, 1, 2, 3, 4, 5])
    for (const { changes, before, after, event } of steps) {
      expect(changes).toBe(event.changes)
      expect(apply(changes, before)).toEqual(after)
    }
  })

  test('begins and ends where it is told', async () => {
    const store = await makeStore()
    const versions = async (range: object) =>
      (await lastValueFrom(store.replay('a', range).pipe(toArray()))).map(step => step.event.version)
    expect(await versions({ from: 2, to: 4 })).toEqual([2, 3, 4])
    expect(await versions({ from: 4, to: 99 })).toEqual([4, 5])
    expect(await versions({ from: 6 })).toEqual([])
    const [step] = await lastValueFrom(store.replay('a', { from: 3, to: 3 }).pipe(toArray()))
    expect(step).toMatchObject({ before: { n: 2 }, after: { n: 3 } })
  })

  test('passes time as it was recorded, so many times as fast, on the scheduler it is given', async () => {
    const store = await makeStore()
    const scheduler = new VirtualTimeScheduler()
    const seen: [version: number, frame: number][] = []
    let done = false
    store.replay('a', { speed: 10, scheduler }).subscribe({
      next: ({ event }) => seen.push([event.version, scheduler.now()]),
      complete: () => {
        done = true
      },
    })
    while (!done) {
      await turn()
      scheduler.flush()
    }
    expect(seen).toEqual([
      [1, 0],
      [2, 100],
      [3, 400],
      [4, 400],
      [5, 450],
    ])
  })

  test('ends with its subscription, in the middle of a pause too', async () => {
    const store = await makeStore()
    expect(await firstValueFrom(store.replay('a', { speed: 0.001 }))).toMatchObject({ after: { n: 1 } })
    expect(await lastValueFrom(store.replay('a').pipe(take(2), toArray()))).toHaveLength(2)
    await store.close()
  })

  test('goes on to the very last event, although the subscriber throws at each; the logger is told', async () => {
    const logger = new RecordingLogger()
    const store = await create<number>({ logger })
    for (let n = 1; n <= 3; n++) await store.save('a', n)
    const seen: number[] = []
    await new Promise<void>(complete => {
      store.replay('a').subscribe({
        next({ event }) {
          seen.push(event.version)
          throw new Error(`at ${event.version}`)
        },
        complete,
      })
    })
    expect(seen).toEqual([1, 2, 3])
    expect(logger.errors).toMatchObject([1, 2, 3].map(n => ({ err: { message: `at ${n}` } })))
  })

  test('ends with an error where the store closes in a pause', async () => {
    const store = await makeStore()
    const outcome = failureOf(() => lastValueFrom(store.replay('a', { speed: 0.0001 })))
    await turn()
    await store.close()
    expect(await outcome).toMatchObject({ code: 'SESSIONLOG_NOT_OPEN' })
  })

  test('refuses a speed that is none, and a range that is none', async () => {
    const store = await makeStore()
    for (const options of [
      { speed: 0 },
      { speed: Number.NaN },
      { speed: '2' },
      { from: -1 },
      { till: 1 },
      { scheduler: {} },
    ])
      expect(await codeOf(() => store.replay('a', options as never))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })
})
