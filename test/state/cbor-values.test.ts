import { describe, expect, test } from 'vitest'
import {
  decodeCbor,
  decodeValue,
  encodeCbor,
  encodeValue,
  fromCbor,
  toCbor,
} from '../../src/state/cbor-values.ts'
import { failureOf } from '../support/outcome.ts'
import { expectExact, expectFrozen } from './exact.ts'

const hex = (value: unknown) => encodeValue(value).toString('hex')

function expectBack(value: unknown): void {
  const decoded = decodeValue(encodeValue(value))
  expectExact(decoded, value)
  expectFrozen(decoded)
}

describe('encodeValue() and decodeValue()', () => {
  test.each<[string, unknown, string]>([
    ['-0', -0, 'd9a02900'],
    ['a lone surrogate', '\ud83d', 'd9a02a423dd8'],
    ['a bigint of 64 bits', 2n ** 64n - 1n, '1bffffffffffffffff'],
    ['a small bigint', 1n, '1b0000000000000001'],
    ['a bigint of more', -(2n ** 64n) - 1n, 'd9a02b722d3130303030303030303030303030303031'],
    ['a date', new Date(1_000), 'c11a00000001'],
    ['an invalid date', new Date(NaN), 'c1fb7ff8000000000000'],
    ['a date that seconds cannot say', new Date(4_498_657_010_098_861), 'd9a02cfb432ff7026a1b455a'],
    ['a key called __proto__', JSON.parse('{"__proto__":1}'), 'd9a02d82695f5f70726f746f5f5f01'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), 'd9a02ea1616101'],
    ['a map', new Map([['a', 1]]), 'd90103a1616101'],
    ['a set', new Set([1]), 'd901028101'],
    ['bytes', new Uint8Array([1, 2]), '420102'],
    ['undefined', undefined, 'f7'],
    ['NaN', NaN, 'fb7ff8000000000000'],
  ])('give %s its form', (_, value, bytes) => {
    expect(hex(value)).toBe(bytes)
    expectBack(value)
    expectBack([value, { a: value }, new Map([[value, value]]), new Set([value])])
  })

  test.each([
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    2 ** 53 + 2,
    2 ** 60,
    2 ** 64,
    -1,
    -24,
    -25,
    -256,
    -257,
    -(2 ** 31),
    -(2 ** 31) - 1,
    -(2 ** 32),
    -(2 ** 32) - 1,
    -(2 ** 53),
    0.1,
    1e300,
    5e-324,
    Infinity,
    -Infinity,
  ])('bring the number %d back', value => {
    expectBack(value)
  })

  test.each([
    0n,
    -1n,
    2n ** 63n,
    -(2n ** 63n),
    2n ** 64n,
    -(2n ** 64n),
    -(2n ** 64n) + 1n,
    10n ** 40n,
    -(10n ** 40n),
    1n << 100_000n,
  ])('bring a bigint back', value => {
    expectBack(value)
  })

  test('bring objects of any width, keys of any kind and texts of any length back', () => {
    expectBack(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key ${index}`, index])))
    expectBack(Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [index, String(index)])))
    expectBack({
      '': '',
      0: 1,
      '01': 2,
      '-1': 3,
      constructor: 4,
      hasOwnProperty: 5,
      length: 6,
      '\ud800': 7,
      toJSON: 8,
    })
    expectBack([
      'x'.repeat(300_000),
      'aé→😀'.repeat(60_000),
      Array.from({ length: 1_000 }, (_, length) => 'é'.repeat(length)),
    ])
    expectBack(new Uint8Array(300_000).fill(7))
  })

  test('bring back 1,000 levels of anything', () => {
    const wraps: ((inner: unknown) => unknown)[] = [
      inner => [inner],
      inner => ({ a: inner, b: 1 }),
      inner => new Map([[inner, 1]]),
      inner => new Set([inner]),
      inner => Object.assign(Object.create(null), { a: inner }),
      inner => JSON.parse('{"__proto__":1}', (_, value) => (value === 1 ? inner : value)),
    ]
    for (const wrap of wraps) {
      let value: unknown = 1
      for (let level = 0; level < 1_000; level++) value = wrap(value)
      expectBack(value)
    }
  })

  test('share no memory with the bytes', () => {
    const encoded = encodeValue([new Uint8Array([1, 2, 3])])
    const [bytes] = decodeValue(encoded) as [Uint8Array]
    encoded.fill(0)
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect([...bytes]).toEqual([1, 2, 3])
    expect(bytes.buffer.byteLength).toBe(3)
  })

  test('keep bytes given out apart', () => {
    const [a, b] = [encodeValue('first'), encodeValue('second')]
    expect([decodeValue(a), decodeValue(b)]).toEqual(['first', 'second'])
  })
})

describe('toCbor()', () => {
  test('answers with the value itself where the encoder is right', () => {
    const value = {
      a: [1, 'x', null, true, 1.5, { b: undefined, c: 5n }],
      d: new Uint8Array(2),
      e: new Date(5),
    }
    expect(toCbor(value)).toBe(value)
  })

  test('shares the parts of a value that need nothing', () => {
    const part = { a: [1] }
    const prepared = toCbor({ part, odd: -0 }) as { part: object }
    expect(prepared.part).toBe(part)
    expectExact(fromCbor(decodeCbor(encodeCbor(prepared))), { part, odd: -0 })
  })
})

test.each([
  ['nothing', ''],
  ['half an array', '82'],
  ['bytes after the end', '0101'],
  ['a lone break', 'ff'],
  ['an error of a generic object', 'd81b8261616162'],
  ['an unknown tag', 'd9a02f01'],
  ['a typed array', 'd8454400010002'],
  ['a bigint that is a number', 'd9a02b01'],
  ['a text that is a number', 'd9a02a01'],
  ['a key without a value', 'd9a02d83010203'],
  ['embedded bytes that are a number', 'd81801'],
])('Corruption is found in %s', async (_, bytes) => {
  expect(await failureOf(() => decodeValue(Buffer.from(bytes, 'hex')))).toMatchObject({
    code: 'SESSIONLOG_CORRUPTION',
  })
})
