import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { readSnapshot, snapshotPath } from '../../src/snapshot/snapshot.ts'
import { expectExact, expectFrozen } from '../state/exact.ts'
import { collect, failureOf } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { create, directoryOf, reopen } from '../support/store.ts'

describe('A state with every type comes back exactly as it went in', () => {
  test('from the cache, and deeply frozen', async () => {
    const store = await create()
    await store.save('a', everything())
    expectExact(store.get('a'), everything())
    expectFrozen(store.get('a'))
  })

  test('after a restart, from the tail of the log, from a base and from sealed events', async () => {
    let store = await create()
    await store.save('a', everything())
    store = await reopen(store)
    expectExact(store.get('a'), everything())
    await store.compact()
    store = await reopen(store)
    expectExact(store.get('a'), everything())
    store = await reopen(store, { rebuild: true })
    expectExact(store.get('a'), everything())
    expectFrozen(store.get('a'))
    expect(await store.verify()).toMatchObject({ ok: true, bases: 1, snapshots: 1 })
  })

  test('at every version, written as changes of one part each', async () => {
    let store = await create<Record<string, unknown>>()
    const whole = everything()
    const states: Record<string, unknown>[] = [{}]
    await store.save('a', {})
    for (const key of Object.keys(whole)) {
      const next = Object.defineProperties({}, Object.getOwnPropertyDescriptors(states.at(-1)!))
      Object.defineProperty(next, key, Object.getOwnPropertyDescriptor(whole, key)!)
      states.push(next as Record<string, unknown>)
      await store.save('a', next as Record<string, unknown>)
    }
    for (let round = 0; round < 2; round++) {
      for (const [index, state] of states.entries()) {
        expectExact(await store.stateAt('a', { version: index + 1 }), state)
      }
      await store.compact()
      store = await reopen(store)
    }
  })

  test('from its snapshot file', async () => {
    const store = await create()
    await store.save('a', everything())
    await store.compact()
    const path = snapshotPath(join(directoryOf(store as never), 'sessions_v3'), 'a')
    expectExact((await readSnapshot(path))!.state, everything())
    expect(Object.keys(JSON.parse(readFileSync(path, 'utf8')).state)).toEqual(Object.keys(everything()))
  })

  test('as data of an event, too', async () => {
    const store = await create()
    await store.save('a', 1, { data: everything() })
    for (const each of [store, await reopen(store)].slice(1)) {
      const [event] = await collect(each.history('a'))
      expectExact(event!.data, everything())
    }
  })

  test('where another realm made it', async () => {
    const store = await create()
    const foreign = runInNewContext(
      '({ list: [1, { x: 1 }], date: new Date(5), map: new Map([[1, 2]]), set: new Set([1]), bytes: new Uint8Array([1]) })',
    )
    const own = {
      list: [1, { x: 1 }],
      date: new Date(5),
      map: new Map([[1, 2]]),
      set: new Set([1]),
      bytes: new Uint8Array([1]),
    }
    await store.save('a', foreign)
    expectExact(store.get('a'), own)
    expectExact((await reopen(store)).get('a'), own)
  })

  test('where it is nested as deep as it may be', async () => {
    const nested = (levels: number) => {
      let state: unknown = 'bottom'
      for (let level = 0; level < levels; level++) state = level % 2 === 0 ? [state] : { down: state }
      return state
    }
    const store = await create()
    await store.save('a', nested(1_000))
    await store.save('a', nested(999))
    await store.save('a', nested(1_000))
    expect(await failureOf(() => store.save('a', nested(1_001)))).toMatchObject({
      code: 'SESSIONLOG_INVALID_STATE',
    })
    await store.compact()
    expectExact((await reopen(store)).get('a'), nested(1_000))
  })
})

describe('A state that cannot be stored is refused with its path, and nothing changes', () => {
  class Cart {}
  const cycle: Record<string, unknown> = { list: [] }
  ;(cycle.list as unknown[]).push(cycle)
  const sparse = [1, 2]
  sparse[3] = 4

  test.each<[string, unknown, string]>([
    ['a function', { cart: [0, 1, 2, { fn: () => {} }] }, '/cart/3/fn'],
    ['a symbol', { a: Symbol('x') }, '/a'],
    ['a symbol as key', { a: { [Symbol('x')]: 1 } }, '/a'],
    ['an instance of a class', { a: [new Cart()] }, '/a/0'],
    ['an Error', { a: new Error('x') }, '/a'],
    ['a RegExp', { a: /x/ }, '/a'],
    ['a Promise', { a: Promise.resolve() }, '/a'],
    ['another typed array', { a: new Float64Array(1) }, '/a'],
    ['an ArrayBuffer', { a: new ArrayBuffer(1) }, '/a'],
    ['a wrapped primitive', { a: new Number(1) }, '/a'],
    ['a sparse array', { a: sparse }, '/a/2'],
    ['an array with a named property', { a: Object.assign([1], { extra: 1 }) }, '/a'],
    ['a cycle', { top: cycle }, '/top/list/0'],
    ['a function in a Map', { m: new Map([['k', () => {}]]) }, '/m/0/1'],
    ['a function in a Set', { s: new Set([() => {}]) }, '/s/0'],
    ['a key with a slash and a tilde', { 'a/b~c': () => {} }, '/a~1b~0c'],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('x')
        },
      },
      '/a',
    ],
  ])('%s', async (_, state, path) => {
    const store = await create()
    await store.save('a', { before: true })
    const expected = { code: 'SESSIONLOG_INVALID_STATE', path }
    expect(await failureOf(() => store.save('a', state))).toMatchObject(expected)
    expect(await failureOf(() => store.edit('a', () => state))).toMatchObject(expected)
    expect(await failureOf(() => store.save('new', state))).toMatchObject(expected)
    expect(await failureOf(() => store.save('a', 1, { data: state }))).toMatchObject({
      ...expected,
      path: `data${path}`,
    })
    expect([store.get('a'), store.version('a'), store.has('new')]).toEqual([{ before: true }, 1, false])
    await store.save('a', 'the store goes on')
  })
})

test('One object in two places comes back as two equal ones', async () => {
  const store = await create<{ a: { n: number }; b: { n: number } }>()
  const both = { n: 1 }
  await store.save('a', { a: both, b: both })
  await store.edit('a', draft => {
    draft.a.n = 2
  })
  expect(store.get('a')).toEqual({ a: { n: 2 }, b: { n: 1 } })
})

test('Getters are read once, and their values are what is kept', async () => {
  const store = await create<{ n: number }>()
  let reads = 0
  const state = {
    get n() {
      return ++reads
    },
  }
  await store.save('a', state)
  expect(reads).toBe(1)
  expect(store.get('a')).toEqual({ n: 1 })
  expect(Object.getOwnPropertyDescriptor(store.get('a'), 'n')).toHaveProperty('value', 1)
  await store.save('a', state)
  expect(reads).toBe(2)
})

test('What is inherited or not enumerable is not part of a state', async () => {
  const store = await create<object>()
  const state = Object.defineProperty({ own: 1 }, 'hidden', { value: 2 })
  await store.save('a', state)
  expect(store.get('a')).toEqual({ own: 1 })
})

/** Changes everything that can be changed in a state. */
function vandalise(state: Record<string, unknown>): void {
  const attempts = [
    () => {
      state.zebra = 'changed'
    },
    () => (state.dates as Date[])[0]!.setTime(99),
    () => (state.map as Map<unknown, unknown>).set('key', 'changed'),
    () => (state.map as Map<unknown, unknown>).clear(),
    () => ((state.map as Map<unknown, { inside: Date }>).get('key')?.inside as Date).setTime(99),
    () => (state.set as Set<unknown>).add('changed'),
    () => (state.bytes as Uint8Array).fill(9),
    () => (state.numbers as number[]).push(99),
    () => {
      ;(state.bare as Record<string, unknown>).no = 'changed'
    },
    () => {
      delete state.apple
    },
  ]
  for (const attempt of attempts) {
    try {
      attempt()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  }
}

describe('No mutation reaches the cache', () => {
  const held = async () => {
    const store = await create<Record<string, unknown>>()
    return { store, check: () => expectExact(store.get('a'), everything()) }
  }

  test('of what was saved', async () => {
    const { store, check } = await held()
    const state = everything()
    const saved = store.save('a', state)
    vandalise(state)
    check()
    await saved
    check()
    expectExact((await reopen(store)).get('a'), everything())
  })

  test('of what was saved twice, changed in between', async () => {
    const store = await create<{ date: Date; list: number[] }>()
    const state = { date: new Date(1), list: [1] }
    await store.save('a', state)
    state.date.setTime(2)
    state.list.push(2)
    await store.save('a', state)
    const states = await Promise.all([1, 2].map(version => store.stateAt('a', { version })))
    expect(states).toEqual([
      { date: new Date(1), list: [1] },
      { date: new Date(2), list: [1, 2] },
    ])
  })

  test('of what get() handed out, before and after a restart', async () => {
    const { store, check } = await held()
    await store.save('a', everything())
    vandalise(store.get('a') as Record<string, unknown>)
    check()
    const reopened = await reopen(store)
    vandalise(reopened.get('a') as Record<string, unknown>)
    expectExact(reopened.get('a'), everything())
  })

  test('of what get() handed out and is saved again', async () => {
    const store = await create<{ date: Date }>()
    await store.save('a', { date: new Date(1) })
    const read = store.get('a')!
    read.date.setTime(2)
    expect(store.get('a')).toEqual({ date: new Date(1) })
    await store.save('a', read)
    expect(store.get('a')).toEqual({ date: new Date(2) })
    read.date.setTime(3)
    expect(store.get('a')).toEqual({ date: new Date(2) })
    expect(await store.stateAt('a', { version: 1 })).toEqual({ date: new Date(1) })
  })

  test('of what watch() delivered', async () => {
    const { store, check } = await held()
    store.watch('a').subscribe(state => state && vandalise(state as Record<string, unknown>))
    await store.save('a', everything())
    check()
    await store.save('a', 1 as never)
    await store.save('a', everything())
    check()
  })

  test('of what commits delivered, nor the log', async () => {
    const { store, check } = await held()
    store.commits.subscribe(events => {
      for (const { changes, data } of events) {
        for (const change of changes)
          if ('value' in change) vandalise(change.value as Record<string, unknown>)
        vandalise(data as Record<string, unknown>)
        expect(() => (changes as unknown[]).pop()).toThrow(TypeError)
        expect(() => (events as unknown[]).pop()).toThrow(TypeError)
      }
    })
    await store.save('a', everything(), { data: everything() })
    check()
    const [event] = await collect(store.history('a'))
    expectExact(event!.data, everything())
  })

  test('of what history() and stateAt() delivered', async () => {
    const { store, check } = await held()
    await store.save('a', everything(), { data: everything() })
    for (let round = 0; round < 2; round++) {
      const [event] = await collect(store.history('a'))
      expectExact(event!.data, everything())
      const [change] = event!.changes
      if (change?.op === 'add') vandalise(change.value as Record<string, unknown>)
      vandalise(event!.data as Record<string, unknown>)
      const state = (await store.stateAt('a', { version: 1 })) as Record<string, unknown>
      expectExact(state, everything())
      vandalise(state)
      check()
    }
  })

  test('of the data given with an event', async () => {
    const store = await create()
    const data = everything()
    const saved = store.save('a', 1, { data })
    vandalise(data)
    await saved
    const [event] = await collect(store.history('a'))
    expectExact(event!.data, everything())
  })

  test('of the options given', async () => {
    const store = await create()
    const options = { actor: 'ann', eventId: 'e' }
    const saved = store.save('a', 1, options)
    options.actor = 'eve'
    options.eventId = 'f'
    await saved
    expect(await collect(store.history('a'))).toMatchObject([{ actor: 'ann', eventId: 'e' }])
  })
})

test('A Buffer comes back as a Uint8Array with the same bytes, also one that shares memory', async () => {
  const store = await create<Uint8Array>()
  const pool = Buffer.from('xxhelloxx')
  await store.save('a', pool.subarray(2, 7))
  pool.fill(0)
  expect(Buffer.from(store.get('a')!).toString()).toBe('hello')
  expect(Object.getPrototypeOf(store.get('a'))).toBe(Uint8Array.prototype)
})
