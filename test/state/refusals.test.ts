import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { reconcile } from '../../src/state/reconcile.ts'
import { failureOf } from '../support/outcome.ts'
import { expectExact } from './exact.ts'

const refusalOf = (state: unknown) => failureOf(() => reconcile(undefined, state))
const refused = (path: string) => ({ code: 'SESSIONLOG_INVALID_STATE', path })

// biome-ignore lint/suspicious/noSparseArray: what reconcile() does with one is tested.
const sparse = [1, 2, , 4]

class Point {
  x = 1
}
class Dates extends Date {}
class Maps extends Map {}
class List extends Array {}

describe('reconcile() refuses', () => {
  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['an instance of a class', new Point()],
    ['an instance of a class derived from Date', new Dates()],
    ['an instance of a class derived from Map', new Maps()],
    ['an instance of a class derived from Array', new List(3)],
    ['an object that inherits from another', Object.create({ x: 1 })],
    ['an object that inherits from one without a prototype', Object.create(Object.create(null))],
    ['a typed array other than Uint8Array', new Uint16Array(2)],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    ['a regular expression', /x/],
    ['an error', new Error('x')],
    ['a boxed number', Object(1)],
    ['a boxed string', Object('x')],
    ['a WeakMap', new WeakMap()],
    ['a promise', Promise.resolve()],
    ['a URL', new URL('http://localhost')],
    ['a generator', (function* () {})()],
    ['an instance of a class of another realm', runInNewContext('new (class Point {})')],
    ['a regular expression of another realm', runInNewContext('/x/')],
    ['an array with a named property', Object.assign([1], { index: 0 })],
    ['the result of a match', 'x'.match(/x/)],
    ['an object with a symbol as key', { [Symbol('x')]: 1 }],
    ['a Date with a property', Object.assign(new Date(0), { zone: 'UTC' })],
    ['a Map with a property', Object.assign(new Map(), { zone: 'UTC' })],
  ])('%s, and says where', async (_, value) => {
    expect(await refusalOf({ cart: { items: [value] } })).toMatchObject(refused('/cart/items/0'))
  })

  test('an array with a hole', async () => {
    expect(await refusalOf({ a: sparse })).toMatchObject(refused('/a/2'))
    expect(await refusalOf({ a: new Array(3) })).toMatchObject(refused('/a/0'))
  })

  test('undefined as the whole state, but not inside it', async () => {
    expect(await refusalOf(undefined)).toMatchObject(refused(''))
    expectExact(reconcile(undefined, { a: undefined, b: [undefined] }).state, {
      a: undefined,
      b: [undefined],
    })
  })

  test('a value at the root', async () => {
    expect(await refusalOf(Symbol('x'))).toMatchObject(refused(''))
    expect(await refusalOf(new Point())).toMatchObject(refused(''))
  })

  test('with a path that is a JSON Pointer', async () => {
    expect(await refusalOf({ 'a/b~c': { '': [0, () => 1] } })).toMatchObject(refused('/a~1b~0c//1'))
    expect(await refusalOf({ ['__proto__']: { x: () => 1 } })).toMatchObject(refused('/__proto__/x'))
  })

  test('members of Maps by their place and side, members of Sets by their place', async () => {
    expect(
      await refusalOf({
        m: new Map<unknown, unknown>([
          ['a', 1],
          ['b', [Symbol('x')]],
        ]),
      }),
    ).toMatchObject(refused('/m/1/1/0'))
    expect(await refusalOf({ m: new Map([[{ k: Symbol('x') }, 1]]) })).toMatchObject(refused('/m/0/0/k'))
    expect(await refusalOf(new Set([1, 2, { f: () => 1 }]))).toMatchObject(refused('/2/f'))
  })

  test('a getter that throws, with what it threw', async () => {
    const cause = new Error('not now')
    const state = {
      a: [
        {
          get b() {
            throw cause
          },
        },
      ],
    }
    expect(await refusalOf(state)).toMatchObject({ ...refused('/a/0/b'), cause })
  })

  test('more than 1,000 levels, and takes 1,000', async () => {
    const nest = (levels: number, wrap: (inner: unknown) => unknown) => {
      let value: unknown = 1
      for (let level = 0; level < levels; level++) value = wrap(value)
      return value
    }
    for (const wrap of [
      (v: unknown) => ({ a: v }),
      (v: unknown) => [v],
      (v: unknown) => new Map([[v, v === 1]]),
    ]) {
      const state = nest(1_000, wrap)
      expectExact(reconcile(undefined, state).state, state)
      expect(await refusalOf(nest(1_001, wrap))).toMatchObject({ code: 'SESSIONLOG_INVALID_STATE' })
    }
  })

  test('a cycle, where it closes', async () => {
    const state: Record<string, unknown> = { list: [{ name: 'x' }] }
    ;(state.list as unknown[]).push({ back: state })
    expect(await refusalOf(state)).toMatchObject({
      ...refused('/list/1/back'),
      message: expect.stringContaining('cycle'),
    })
    const map = new Map()
    map.set('self', map)
    expect(await refusalOf({ map })).toMatchObject({
      ...refused('/map/0/1'),
      message: expect.stringContaining('cycle'),
    })
  })

  test('shared objects that unfold beyond every limit', async () => {
    let bomb: unknown = []
    for (let level = 0; level < 60; level++) bomb = [bomb, bomb]
    expect(await refusalOf(bomb)).toMatchObject({ code: 'SESSIONLOG_INVALID_STATE' })
    const shared = reconcile(undefined, [{ text: 'x'.repeat(1_000_000) }]).state as unknown[]
    const copies = new Array(1_000).fill(shared[0])
    expect(await failureOf(() => reconcile(shared, copies))).toMatchObject({
      code: 'SESSIONLOG_INVALID_STATE',
    })
  })

  test('what is wrong in a state that is otherwise the previous one', async () => {
    const { state } = reconcile(undefined, { a: { b: 1 }, c: [1, 2] })
    const refusal = (next: unknown) => failureOf(() => reconcile(state, next))
    expect(await refusal({ a: { b: 1, [Symbol('x')]: 1 }, c: [1, 2] })).toMatchObject(refused('/a'))
    expect(await refusal({ a: { b: () => 1 }, c: [1, 2] })).toMatchObject(refused('/a/b'))
    expect(await refusal({ a: { b: 1 }, c: sparse })).toMatchObject(refused('/c/2'))
    expect(await refusal({ a: { b: 1 }, c: [() => 1, 1, 2] })).toMatchObject(refused('/c/0'))
    expect(await refusal({ a: { b: 1 }, c: [() => 1, 2] })).toMatchObject(refused('/c/0'))
  })
})
