import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scanCbor } from '../../src/state/cbor-scan.ts'
import { encodeValue } from '../../src/state/cbor-values.ts'
import { codeOf } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { anyState } from './arbitrary.ts'

test('scanCbor() takes whatever is encoded here', () => {
  expect(() => scanCbor(encodeValue(everything()))).not.toThrow()
  // It throws where it refuses.
  fc.assert(fc.property(anyState, state => scanCbor(encodeValue(state))))
})

test('scanCbor() refuses tags of the decoder that are none of ours, also inside of what is embedded', async () => {
  for (const tag of [0, 2, 4, 5, 14, 15, 27, 28, 29, 51, 55_799, 57_337, 57_342]) {
    const inside = Buffer.from([0xd9, tag >> 8, tag & 255, 0x41, 1])
    const embedded = Buffer.concat([Buffer.of(0xd8, 24, 0x40 + inside.length), inside])
    for (const bytes of [inside, embedded, Buffer.concat([Buffer.of(0x81), inside])])
      expect(await codeOf(() => scanCbor(bytes)), `${tag}`).toBe('SESSIONLOG_CORRUPTION')
  }
})

test('scanCbor() takes a bignum of eight bytes, which -(2^64) is, and none that is longer', async () => {
  expect(() => scanCbor(encodeValue(-(2n ** 64n)))).not.toThrow()
  for (const bytes of [
    Buffer.of(0xc3, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    Buffer.of(0xc3, 1),
    Buffer.of(0xc3, 0xf6),
  ])
    expect(await codeOf(() => scanCbor(bytes))).toBe('SESSIONLOG_CORRUPTION')
})

test('scanCbor() refuses what is cut, goes on, or claims more than there is', async () => {
  const whole = encodeValue({ a: [1, 'two', new Date(0)] })
  for (let length = 0; length < whole.length; length++)
    expect(await codeOf(() => scanCbor(whole.subarray(0, length)))).toBe('SESSIONLOG_CORRUPTION')
  const bad = [
    Buffer.concat([whole, Buffer.of(0)]),
    Buffer.of(0x9a, 255, 255, 255, 255),
    Buffer.of(0x9f, 0xff),
  ]
  for (const bytes of bad) expect(await codeOf(() => scanCbor(bytes))).toBe('SESSIONLOG_CORRUPTION')
})
