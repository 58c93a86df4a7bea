import { expect, test } from 'vitest'
import { PlayerSteps } from '../../src/cli/player-steps.ts'
import { parsePointer } from '../../src/state/pointer.ts'
import { codeOf } from '../support/outcome.ts'
import { create, TestClock } from '../support/store.ts'
import { all } from './cli.ts'

const { signal } = new AbortController()
const EVENTS = 60

interface List {
  n: number
  items: string[]
  when: Date
}

/** `list`, saved a minute apart, beside another session; and how many events and states were read of it. */
async function recorded() {
  const clock = new TestClock()
  const store = await create<unknown>({ clock: clock.read })
  const state: List = { n: 0, items: [], when: new Date(0) }
  for (let n = 1; n <= EVENTS; n++) {
    clock.now += 60_000
    state.n = n
    if (n % 7 === 0) state.items.unshift(`item ${n}`)
    if (n % 20 === 0) state.when = new Date(n)
    await store.save('other', { n })
    await store.save('list', n % 25 === 0 ? { n, items: [...state.items], when: state.when } : state)
  }
  const read = { events: 0, states: 0 }
  const source = {
    stateAt: async (...args: Parameters<typeof store.stateAt>) => {
      read.states++
      return store.stateAt(...args)
    },
    history: async function* (...args: Parameters<typeof store.history>) {
      for await (const event of store.history(...args)) {
        read.events++
        yield event
      }
    },
  }
  return { store, read, steps: new PlayerSteps(source, 'list', 1), start: clock.now - EVENTS * 60_000 }
}

test('a step is the event with the states around it, in whatever order they are asked for', async () => {
  const { store, steps } = await recorded()
  for (const version of [1, 2, 3, 60, 59, 58, 30, 31, 29, 28, 1, 45, 44, 43, 46]) {
    const { event, before, after } = await steps.at(version, signal)
    expect(event.version).toBe(version)
    expect(before).toEqual(await store.stateAt('list', { version: version - 1 }))
    expect(after).toEqual(await store.stateAt('list', { version }))
  }
  expect(await codeOf(() => steps.at(EVENTS + 1, signal))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
})

test('stepping forward reads an event each, stepping back a few at a time', async () => {
  const { read, steps } = await recorded()
  for (let version = 1; version <= 20; version++) await steps.at(version, signal)
  expect(read).toEqual({ events: 20, states: 1 })
  await steps.at(EVENTS, signal)
  expect(read).toEqual({ events: 21, states: 2 })
  for (let version = EVENTS - 1; version > EVENTS - 13; version--) await steps.at(version, signal)
  expect(read).toEqual({ events: 33, states: 3 })
})

test('versionAt() finds the last version at a time or a position, within a range', async () => {
  const { store, steps, start } = await recorded()
  const range = { from: 3, to: 50 }
  const at = (point: { time: number } | { position: number }) => steps.versionAt(point, range, signal)
  expect(await at({ time: start + 20 * 60_000 })).toBe(20)
  expect(await at({ time: start + 20 * 60_000 - 1 })).toBe(19)
  expect(await at({ time: start + 1e9 })).toBe(50)
  expect(await at({ time: start + 60_000 })).toBeUndefined()
  for (const version of [3, 17, 50]) {
    const [event] = await all(store.history('list', { from: version, to: version }))
    expect(await at({ position: event!.position })).toBe(version)
    expect(await at({ position: event!.position + 1 })).toBe(version)
  }
  expect(await codeOf(() => at({ position: 1000 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
})

test.each([
  '/n',
  '/items',
  '/items/0',
  '/items/2',
  '/when',
  '/none',
])('changing() finds the same events under %s as audit()', async path => {
  const { store, steps } = await recorded()
  const expected = (await all(store.audit({ sessions: ['list'], path }))).map(event => event.version)
  const find = async (reverse: boolean) => {
    const found: number[] = []
    let range = { from: 1, to: EVENTS, reverse }
    for (;;) {
      const version = await steps.changing(parsePointer(path)!, range, signal, () => {})
      if (version === undefined) return found
      found.push(version)
      range = reverse ? { ...range, to: version - 1 } : { ...range, from: version + 1 }
      if (range.from > range.to) return found
    }
  }
  expect(await find(false)).toEqual(expected)
  expect(await find(true)).toEqual(expected.toReversed())
})

test('changing() stops at the first event that fits, and when it is told to', async () => {
  const { read, steps } = await recorded()
  const range = { from: 1, to: EVENTS, reverse: false }
  expect(await steps.changing(['items', '0'], range, signal, () => {})).toBe(7)
  expect(read.events).toBeLessThan(12)
  const stop = new AbortController()
  const stopped = steps.changing(
    ['none'],
    range,
    stop.signal,
    version => version === 9 && stop.abort('enough'),
  )
  await expect(stopped).rejects.toBe('enough')
})
