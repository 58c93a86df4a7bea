import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyInPlace } from '../../src/state/apply.ts'
import { CborReader } from '../../src/state/cbor-reader.ts'
import { decodeValue, encodeValue } from '../../src/state/cbor-values.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { failureOf } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { anyState, manyEdits } from './arbitrary.ts'
import { expectExact } from './exact.ts'

describe('CborReader', () => {
  test('reads what the decoder reads, and comes to the end of it', () => {
    const check = (state: unknown) => {
      const bytes = encodeValue(state)
      const reader = new CborReader(bytes)
      expectExact(reader.value(), decodeValue(bytes))
      expect(reader.atEnd).toBe(true)
      const second = new CborReader(Buffer.concat([bytes, bytes]))
      second.skip()
      expectExact(second.value(), decodeValue(bytes))
    }
    check(everything())
    for (const length of [0, 23, 24, 47, 48, 49, 255, 256, 65_536])
      for (const letter of ['a', 'é']) check({ [letter.repeat(length)]: letter.repeat(length) })
    fc.assert(fc.property(anyState, check))
  })

  test('keeps no key for another that looks like it', () => {
    const keys = Array.from({ length: 20_000 }, (_, n) => `k${(n * 7919) % 65_536}`)
    for (const key of [...keys, ...keys]) {
      const bytes = encodeValue({ [key]: 1 })
      expect(Object.keys(new CborReader(bytes).value() as object)).toEqual([key])
    }
  })

  test('leaves what it read to be changed in place, to what a copy would be changed to', () => {
    const own = (value: unknown) => new CborReader(encodeValue(value)).value()
    const check = ([first, ...states]: unknown[]) => {
      let previous = reconcile(undefined, first).state
      let mine = own(previous)
      for (const next of states) {
        const { state, changes } = reconcile(previous, next)
        mine = applyInPlace(changes.map(own) as typeof changes, mine)
        expectExact(mine, state)
        previous = state
      }
    }
    fc.assert(fc.property(manyEdits, check))
  })

  test.each([
    ['a text that is cut off', [0x63, 0x61]],
    ['an array that is cut off', [0x82, 0x01]],
    ['a number that is cut off', [0xfb, 0x00]],
    ['a list without an end', [0x9f, 0xff]],
    ['a key that is no text', [0xa1, 0x01, 0x01]],
    ['a length beyond all bytes', [0x7a, 0xff, 0xff, 0xff, 0xff]],
    ['a tag that is none of ours', [0xd8, 0x1b, 0x82, 0x61, 0x61, 0x61, 0x62]],
    ['nothing', []],
  ])('finds corruption in %s', async (_, bytes) => {
    expect(await failureOf(() => new CborReader(Uint8Array.from(bytes)).value())).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
    })
  })
})
