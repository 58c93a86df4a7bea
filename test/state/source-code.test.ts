import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toSourceCode } from '../../src/state/source-code.ts'
import { anyValue } from './arbitrary.ts'
import { expectExact } from './exact.ts'

const evaluate = (source: string): unknown => new Function(`return (${source}\n)`)()

test('source code makes any value again, exactly', () => {
  fc.assert(
    fc.property(anyValue, value => expectExact(evaluate(toSourceCode(value)), value)),
    { numRuns: 3_000 },
  )
})

test('is what a person would write', () => {
  const state = { items: [{ sku: 'tea', qty: 2 }], 'a-b': null, paid: false, when: new Date(0) }
  expect(toSourceCode(state)).toBe(
    `{ items: [{ sku: "tea", qty: 2 }], "a-b": null, paid: false, when: new Date(0) }`,
  )
  expect(toSourceCode({ list: ['x'.repeat(50), 'y'.repeat(50)] }, '')).toBe(
    `{\n  list: [\n    "${'x'.repeat(50)}",\n    "${'y'.repeat(50)}",\n  ],\n}`,
  )
  expect([toSourceCode([]), toSourceCode({}), toSourceCode(new Map())]).toEqual(['[]', '{}', 'new Map([])'])
})
