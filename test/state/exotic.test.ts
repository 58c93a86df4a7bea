import { describe, expect, test } from 'vitest'
import { apply } from '../../src/state/apply.ts'
import { decodeValue, encodeValue } from '../../src/state/cbor-values.ts'
import { handOut, holdsExotic } from '../../src/state/exotic.ts'
import { freezeDeep } from '../../src/state/freeze.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { parseState, stringifyState } from '../../src/state/tagged-json.ts'
import { expectExact, expectFrozen } from './exact.ts'

const make = () => ({
  plain: { a: [1, { b: 2 }] },
  inner: { date: new Date(5), list: [new Map([[{ k: new Date(6) }, new Set([new Uint8Array([1])])]])] },
})

/** The same state by every way in which one comes into being. */
const ways: [string, (value: unknown) => unknown][] = [
  ['reconcile()', value => reconcile(undefined, value).state],
  [
    'reconcile() with a previous state',
    value => reconcile(reconcile(undefined, { plain: { a: 1 }, inner: {} }).state, value).state,
  ],
  [
    'apply()',
    value => apply([{ op: 'add', path: '/x', value: reconcile(undefined, value).state }], Object.freeze({})),
  ],
  ['apply() with a decoded value', value => apply([{ op: 'add', path: '/x', value }], Object.freeze({}))],
  ['decodeValue()', value => decodeValue(encodeValue(value))],
  ['parseState()', value => parseState(stringifyState(value))],
  ['freezeDeep()', value => freezeDeep(value)],
]

describe.each(ways)('handOut() of a state from %s', (_, create) => {
  test('has its own Dates, Maps, Sets and bytes, all the way down', () => {
    const state = create(make()) as { x?: object }
    const copy = handOut(state)
    expectExact(copy, state)
    expectFrozen(copy)
    const { inner } = ((copy as { x?: object }).x ?? copy) as ReturnType<typeof make>
    inner.date.setTime(0)
    const [[key, set]] = inner.list[0]! as unknown as [[{ k: Date }, Set<Uint8Array>]]
    key.k.setTime(0)
    ;[...set][0]![0] = 9
    set.clear()
    inner.list[0]!.clear()
    expectExact(state, state.x === undefined ? make() : { x: make() })
    expect(holdsExotic(state)).toBe(true)
  })

  test('shares what holds none', () => {
    const state = create(make()) as { x?: object }
    const part = (whole: { x?: object }) => ((whole.x ?? whole) as ReturnType<typeof make>).plain
    expect(part(handOut(state))).toBe(part(state))
  })

  test('is the state itself where there is none', () => {
    const state = create({ a: [1, { b: 2 }], c: 'x' })
    expect(holdsExotic(state)).toBe(false)
    expect(handOut(state)).toBe(state)
  })
})

test('A state that loses its last Date holds none', () => {
  const state = reconcile(undefined, { a: { d: new Date(0) }, b: 1 }).state
  expect(holdsExotic(state)).toBe(true)
  expect(holdsExotic(reconcile(state, { a: { d: 1 }, b: 1 }).state)).toBe(false)
  expect(holdsExotic(apply([{ op: 'remove', path: '/a/d' }], state))).toBe(false)
})

test('handOut() can be saved back without a change', () => {
  const { state } = reconcile(undefined, make())
  expect(reconcile(state, handOut(state)).state).toBe(state)
})

test('A primitive is handed out as it is', () => {
  for (const value of [1, 'x', null, undefined, 5n]) expect(handOut(value)).toBe(value)
  expect(holdsExotic(null)).toBe(false)
})
