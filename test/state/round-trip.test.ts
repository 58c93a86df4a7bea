import { deserialize, serialize } from 'node:v8'
import { parse, stringify } from 'devalue'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apply } from '../../src/state/apply.ts'
import { decodeValue, encodeValue } from '../../src/state/cbor-values.ts'
import { handOut } from '../../src/state/exotic.ts'
import { applyJsonPatch } from '../../src/state/json-patch.ts'
import { toJsonPatch } from '../../src/state/patch.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { isPlainJson, parseState, stringifyState } from '../../src/state/tagged-json.ts'
import { equal } from '../../src/state/values.ts'
import { anyState, anyValue, editedJson, editedState, jsonValue, manyEdits } from './arbitrary.ts'
import { expectExact, expectFrozen, spell } from './exact.ts'

const first = (state: unknown) => reconcile(undefined, state).state

function holds<T>(values: fc.Arbitrary<T>, predicate: (value: T) => void, numRuns = 1_500): void {
  fc.assert(fc.property(values, predicate), { numRuns })
}

test('reconcile() takes over any state exactly, and is done', () => {
  holds(anyState, value => {
    const state = first(value)
    expectExact(state, value)
    expectFrozen(state)
    expect(reconcile(state, value)).toEqual({ state, changes: [], size: 0 })
    expect(reconcile(state, handOut(state)).state).toBe(state)
  })
})

test('apply() leads to the state that reconcile() answered with, after an edit', () => {
  holds(
    editedState,
    ({ before, after }) => {
      const previous = first(before)
      const { state, changes } = reconcile(previous, after)
      expectExact(state, after)
      expectFrozen(state)
      const applied = apply(decodeValue(encodeValue(changes)) as typeof changes, previous)
      expectExact(applied, after)
      expectFrozen(applied)
      expectShared(previous, state)
    },
    4_000,
  )
})

test('and from any state to any other', () => {
  holds(fc.tuple(anyState, anyState), ([before, after]) => {
    const previous = first(before)
    const { state, changes } = reconcile(previous, after)
    expectExact(state, after)
    expectExact(apply(changes, previous), after)
    expect(equal(previous, state)).toBe(spell(before) === spell(after))
  })
})

test('and from save to save', () => {
  holds(
    manyEdits,
    states => {
      let state: unknown
      let replayed: unknown
      for (const next of states) {
        const reconciled = reconcile(state, next)
        state = reconciled.state
        replayed = apply(reconciled.changes, replayed)
        expectExact(state, next)
        expectExact(replayed, next)
      }
    },
    400,
  )
})

test('a state that was edited in a shared structure is taken over exactly', () => {
  holds(editedState, ({ before, edit }) => {
    const previous = first(before)
    const after = edit(previous)
    if (after === undefined) return
    const { state, changes } = reconcile(previous, after)
    expectExact(state, after)
    expectExact(apply(changes, previous), after)
  })
})

test('CBOR brings any value back exactly', () => {
  holds(
    anyValue,
    value => {
      const decoded = decodeValue(encodeValue(value))
      expectExact(decoded, value)
      expectFrozen(decoded)
    },
    4_000,
  )
})

test('tagged JSON brings any value back exactly', () => {
  holds(
    anyValue,
    value => {
      const parsed = parseState(stringifyState(value))
      expectExact(parsed, value)
      expectFrozen(parsed)
      if (isPlainJson(value)) expectExact(JSON.parse(JSON.stringify(value)), value)
    },
    4_000,
  )
})

test('JSON is stored as JSON, whatever it looks like', () => {
  holds(jsonValue, value => {
    expect(isPlainJson(value)).toBe(true)
    expectExact(parseState(stringifyState(value)), value)
  })
})

test('v8.serialize agrees, where there are no objects without a prototype', () => {
  holds(anyValue, value => {
    if (spell(value).includes('bare{')) return
    const copy = deserialize(serialize(value))
    expect(equal(copy, decodeValue(encodeValue(value)))).toBe(true)
    expect(equal(copy, parseState(stringifyState(value)))).toBe(true)
  })
})

test('devalue agrees, where there are no keys called __proto__', () => {
  holds(anyValue, value => {
    if (spell(value).includes('"__proto__":')) return
    expect(equal(parse(stringify(value)), decodeValue(encodeValue(value)))).toBe(true)
  })
})

test('a JSON Patch made from changes leads to the same state', () => {
  holds(
    editedJson,
    ({ before, after }) => {
      const previous = first(before)
      const { changes } = reconcile(previous, after)
      const { patch, inexact } = toJsonPatch(changes, previous)
      const patched = applyJsonPatch(JSON.parse(JSON.stringify(patch)), before)
      if (inexact.length === 0) expectExact(patched, after)
      else expect(patched).toEqual(after)
      expect(inexact.every(({ reason }) => reason === 'key-order')).toBe(true)
    },
    2_500,
  )
})

/** What is equal and stands in the same place of objects is the same object, where those are of one kind. */
function expectShared(previous: unknown, state: unknown): void {
  if (typeof state !== 'object' || state === null || typeof previous !== 'object' || previous === null) return
  if (spell(previous) === spell(state)) expect(state).toBe(previous)
  else if (isPlain(previous) && Object.getPrototypeOf(previous) === Object.getPrototypeOf(state)) {
    for (const [key, member] of Object.entries(state))
      if (Object.hasOwn(previous, key)) expectShared(previous[key], member)
  }
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
