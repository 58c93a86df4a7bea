import { describe, expect, test } from 'vitest'
import {
  fromTaggedJson,
  isPlainJson,
  parseState,
  stringifyState,
  toTaggedJson,
} from '../../src/state/tagged-json.ts'
import { failureOf } from '../support/outcome.ts'
import { expectExact, expectFrozen } from './exact.ts'

describe('toTaggedJson()', () => {
  test.each<[unknown, unknown]>([
    [undefined, { $undefined: true }],
    [NaN, { $number: 'NaN' }],
    [Infinity, { $number: 'Infinity' }],
    [-Infinity, { $number: '-Infinity' }],
    [-0, { $number: '-0' }],
    [123n, { $bigint: '123' }],
    [-(2n ** 70n), { $bigint: '-1180591620717411303424' }],
    [new Date(0), { $date: '1970-01-01T00:00:00.000Z' }],
    [new Date(NaN), { $date: null }],
    [new Date(8.64e15), { $date: '+275760-09-13T00:00:00.000Z' }],
    [new Date(-8.64e15), { $date: '-271821-04-20T00:00:00.000Z' }],
    [
      new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1n }, undefined],
      ]),
      {
        $map: [
          ['a', 1],
          [{ k: { $bigint: '1' } }, { $undefined: true }],
        ],
      },
    ],
    [new Set([1, 'a', new Set()]), { $set: [1, 'a', { $set: [] }] }],
    [new Uint8Array([255, 254]), { $bytes: '//4=' }],
    [new Uint8Array(0), { $bytes: '' }],
    [Object.create(null), { $bare: {} }],
    [Object.assign(Object.create(null), { $date: 1 }), { $bare: { $date: 1 } }],
    [{ $date: 'mine' }, { $escape: { $date: 'mine' } }],
    [{ $anything: 1 }, { $escape: { $anything: 1 } }],
    [{ $escape: { $date: 1n } }, { $escape: { $escape: { $escape: { $date: { $bigint: '1' } } } } }],
    [{ $: 1 }, { $escape: { $: 1 } }],
    [
      { $date: 1, $set: 2 },
      { $date: 1, $set: 2 },
    ],
    [JSON.parse('{"__proto__":[null]}'), JSON.parse('{"__proto__":[null]}')],
  ])('writes %o with a tag where it needs one', (value, json) => {
    expect(JSON.stringify(toTaggedJson(value))).toBe(JSON.stringify(json))
    expectExact(fromTaggedJson(json), value)
    expectExact(parseState(stringifyState(value)), value)
  })

  test('answers with the value itself where it needs none', () => {
    const state = { a: [1, 'x', null, { b: true }], c: {} }
    expect(toTaggedJson(state)).toBe(state)
    const partly = { a: state, b: 1n }
    expect((toTaggedJson(partly) as typeof partly).a).toBe(state)
  })

  test('keeps halves of surrogate pairs and every key through JSON text', () => {
    const state = JSON.parse('{"\\ud800":"\\udc00x","__proto__":{"constructor":1},"":{"toString":"\\u0000"}}')
    expectExact(parseState(stringifyState(state)), state)
    expect(stringifyState(state)).toContain('\\ud800')
  })

  test('is indented on demand', () => {
    expect(stringifyState({ a: 1 }, 2)).toBe('{\n  "a": 1\n}')
    expect(stringifyState({ a: 1 })).toBe('{"a":1}')
  })
})

describe('fromTaggedJson()', () => {
  test('answers with a frozen value and leaves the JSON as it was', () => {
    const json = { a: [{ $date: '1970-01-01T00:00:00.000Z' }], b: { $map: [[{ c: [] }, { $set: [{}] }]] } }
    const before = structuredClone(json)
    expectFrozen(fromTaggedJson(json))
    expect(json).toEqual(before)
  })

  test.each<[string, unknown, string]>([
    ['an unknown tag', { a: [{ $unknown: 1 }] }, '/a/0/$unknown'],
    ['an inherited name as tag', { $constructor: 1 }, '/$constructor'],
    ['a date that is none', { $date: 'today' }, '/$date'],
    ['a date in another form', { $date: '1970-01-01' }, '/$date'],
    ['a date that is a number', { $date: 5 }, '/$date'],
    ['a bigint with a fraction', { $bigint: '1.5' }, '/$bigint'],
    ['a bigint with leading zeros', { $bigint: '007' }, '/$bigint'],
    ['a negative zero bigint', { $bigint: '-0' }, '/$bigint'],
    ['a number that JSON could hold', { $number: '5' }, '/$number'],
    ['bytes that are not base64', { $bytes: '***' }, '/$bytes'],
    ['a map that is an object', { $map: { a: 1 } }, '/$map'],
    ['a map with a lone key', { x: { $map: [[1, 2], [3]] } }, '/x/$map/1'],
    ['a fault inside a map', { $map: [[1, { $date: 0 }]] }, '/$map/0/1/$date'],
    ['a set that is a text', { $set: 'x' }, '/$set'],
    ['undefined that is false', { $undefined: false }, '/$undefined'],
    ['an escape without a tag', { $escape: { a: 1 } }, '/$escape'],
    ['an escape of a list', { $escape: [1] }, '/$escape'],
    ['a bare list', { $bare: [1] }, '/$bare'],
    ['a fault behind an escaped key', { 'a/b': { $bare: { x: { $set: 1 } } } }, '/a~1b/$bare/x/$set'],
  ])('finds corruption in %s', async (_, json, path) => {
    expect(await failureOf(() => fromTaggedJson(json))).toMatchObject({ code: 'SESSIONLOG_CORRUPTION', path })
  })

  test('finds corruption in text that is not JSON', async () => {
    expect(await failureOf(() => parseState('{'))).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
      path: '',
      cause: expect.any(SyntaxError),
    })
  })
})

test.each<[unknown, boolean]>([
  [null, true],
  ['\ud800', true],
  [{ a: [1, 'x', { b: true }] }, true],
  [{ $date: 'mine' }, true],
  [JSON.parse('{"__proto__":1}'), true],
  [-0, false],
  [NaN, false],
  [undefined, false],
  [[undefined], false],
  [1n, false],
  [{ a: new Date(0) }, false],
  [Object.create(null), false],
  [new Map(), false],
])('isPlainJson(%o) is %s', (value, expected) => {
  expect(isPlainJson(value)).toBe(expected)
})
