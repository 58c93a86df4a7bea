import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  orderedNumber,
  parseOrderedNumber,
  parseSessionKey,
  RANGE,
  sessionPrefix,
  splitOrderedNumber,
} from '../../src/log/keys.ts'

const positive = fc.oneof(fc.maxSafeNat(), fc.nat(1_000), fc.constantFrom(0, 35, 36, 36 ** 2 - 1, 36 ** 2))
const id = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', '\0', '%', '0', '2', '5'), minLength: 1, maxLength: 6 }),
)
const bytewise = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))

describe('Keys', () => {
  test('of numbers sort as the numbers do, and give them back', () => {
    fc.assert(
      fc.property(positive, positive, (a, b) => {
        expect(bytewise(orderedNumber(a), orderedNumber(b))).toBe(Math.sign(a - b))
        expect(parseOrderedNumber(orderedNumber(a))).toBe(a)
        expect(splitOrderedNumber(`${orderedNumber(a)}0z`)).toEqual({ value: a, rest: '0z' })
      }),
    )
  })

  test('of a session give its id and the rest back', () => {
    fc.assert(
      fc.property(id, fc.string({ unit: 'binary' }), (sessionId, rest) => {
        expect(parseSessionKey(sessionPrefix(RANGE.base, sessionId) + rest)).toEqual({ sessionId, rest })
      }),
    )
  })

  test('of one session never start with the prefix of another', () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        fc.pre(a !== b)
        expect(sessionPrefix(RANGE.base, a).startsWith(sessionPrefix(RANGE.base, b))).toBe(false)
      }),
    )
  })
})
