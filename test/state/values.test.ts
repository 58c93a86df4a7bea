import { describe, expect, expectTypeOf, test } from 'vitest'
import { equal, type Immutable, isIndex } from '../../src/state/values.ts'

describe('equal()', () => {
  const bare = (properties: object) => Object.assign(Object.create(null), properties)

  test.each<[unknown, unknown]>([
    [NaN, NaN],
    [{ a: [1, { b: undefined }] }, { a: [1, { b: undefined }] }],
    [new Date(NaN), new Date(NaN)],
    [new Map([[{ a: 1 }, [1]]]), new Map([[{ a: 1 }, [1]]])],
    [new Set([1, [2]]), new Set([1, [2]])],
    [new Uint8Array([1]), Buffer.from([1])],
    [bare({ a: 1 }), bare({ a: 1 })],
  ])('says that %o is %o', (a, b) => {
    expect(equal(a, b)).toBe(true)
    expect(equal(b, a)).toBe(true)
  })

  test.each<[unknown, unknown]>([
    [0, -0],
    [1, 1n],
    [1, '1'],
    [null, undefined],
    [{}, []],
    [{}, null],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [{ a: undefined }, {}],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, bare({ a: 1 })],
    [[1], [1, 2]],
    [[0], [-0]],
    [new Date(1), new Date(2)],
    [new Date(1), 1],
    [
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
    ],
    [new Map([['a', 1]]), new Map([['a', 2]])],
    [new Map([['a', 'b']]), new Set(['a', 'b'])],
    [new Set([1, 2]), new Set([2, 1])],
    [new Uint8Array([1]), new Uint8Array([2])],
    [new Uint8Array([1]), [1]],
  ])('says that %o is not %o', (a, b) => {
    expect(equal(a, b)).toBe(false)
    expect(equal(b, a)).toBe(false)
  })
})

test.each<[string, boolean]>([
  ['0', true],
  ['4294967294', true],
  ['4294967295', false],
  ['01', false],
  ['-1', false],
  ['1.5', false],
  ['', false],
  ['1e3', false],
  ['a', false],
])('isIndex(%o) is %s, as for the order of keys', (key, expected) => {
  expect(isIndex(key)).toBe(expected)
  expect(Object.keys({ b: 1, [key]: 2 })[0] === key).toBe(expected)
})

test('Immutable<T> is read-only all the way down', () => {
  interface State {
    items: { sku: string; tags: string[] }[]
    byName: Map<string, { n: number }>
    names: Set<string>
    pair: [number, string[]]
    at?: Date
    bytes: Uint8Array
    big: bigint
    either: string | { x: number } | null
  }
  expectTypeOf<Immutable<State>>().toEqualTypeOf<{
    readonly items: readonly { readonly sku: string; readonly tags: readonly string[] }[]
    readonly byName: ReadonlyMap<string, { readonly n: number }>
    readonly names: ReadonlySet<string>
    readonly pair: readonly [number, readonly string[]]
    readonly at?: Date
    readonly bytes: Uint8Array
    readonly big: bigint
    readonly either: string | { readonly x: number } | null
  }>()
  expectTypeOf<Immutable<unknown>>().toEqualTypeOf<unknown>()
  expectTypeOf<State>().toExtend<Immutable<State>>()
})
