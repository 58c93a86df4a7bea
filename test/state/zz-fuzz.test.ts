import fc from 'fast-check'
import { expect, test } from 'vitest'
import { apply } from '../../src/state/apply.ts'
import { decodeValue, encodeValue } from '../../src/state/cbor-values.ts'
import { applyJsonPatch } from '../../src/state/json-patch.ts'
import { toJsonPatch } from '../../src/state/patch.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { isPlainJson, parseState, stringifyState } from '../../src/state/tagged-json.ts'
import { anyState, anyValue, editedJson, editedState } from './arbitrary.ts'
import { expectExact, expectFrozen } from './exact.ts'

const N = Number(process.env.N ?? 2000)
const run = (p: any) => fc.assert(p, { numRuns: N })
test('edit', () =>
  run(
    fc.property(editedState, ({ before, after }) => {
      const a = reconcile(undefined, before).state
      expectExact(a, before)
      expectFrozen(a)
      if (after === undefined) return
      const { state, changes } = reconcile(a, after)
      expectExact(state, after)
      expectFrozen(state)
      const b = apply(changes, a)
      expectExact(b, after)
      expectFrozen(b)
      expect(reconcile(state, structuredClone(1) && after).state).toBe(state)
    }),
  ))
test('pair', () =>
  run(
    fc.property(anyState, anyState, (before, after) => {
      const a = reconcile(undefined, before).state
      const { state, changes } = reconcile(a, after)
      expectExact(state, after)
      expectExact(apply(changes, a), after)
    }),
  ))
test('cbor', () =>
  run(
    fc.property(anyValue, v => {
      const d = decodeValue(encodeValue(v))
      expectExact(d, v)
      expectFrozen(d)
    }),
  ))
test('json', () =>
  run(
    fc.property(anyValue, v => {
      const d = parseState(stringifyState(v))
      expectExact(d, v)
      expectFrozen(d)
      if (isPlainJson(v)) expectExact(JSON.parse(JSON.stringify(v)), v)
    }),
  ))
test('patch', () =>
  run(
    fc.property(editedJson, ({ before, after }) => {
      const a = reconcile(undefined, before).state
      const { changes } = reconcile(a, after)
      const { patch, inexact } = toJsonPatch(changes, a)
      const out = applyJsonPatch(patch, before)
      if (inexact.length === 0) expectExact(out, after)
      else expect(out).toEqual(after)
    }),
  ))
