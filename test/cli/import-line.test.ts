import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exportLine } from '../../src/cli/export-line.ts'
import { parseLine } from '../../src/cli/import-line.ts'
import { decode } from '../../src/importers/lines.ts'
import type { RecordedEvent } from '../../src/index.ts'
import { anyState, anyValue } from '../state/arbitrary.ts'
import { spell } from '../state/exact.ts'

const EVENT: RecordedEvent = {
  sessionId: 's',
  version: 1,
  position: 1,
  type: 'saved',
  recordedAt: 0,
  schemaVersion: 0,
  changes: [],
  hash: '',
  previousHash: '',
}

describe('parseLine()', () => {
  test('brings back every state and data that exportLine() was given', () => {
    fc.assert(
      fc.property(anyState, anyValue, (state, data) => {
        const line = parseLine(exportLine({ ...EVENT, data }, state))
        expect(spell(line.state)).toBe(spell(state))
        expect(spell(line.options.data)).toBe(spell(data))
      }),
    )
  })

  test('brings back everything else that an event says', () => {
    const said = {
      actor: 'ann',
      type: 'made',
      reason: '',
      eventId: 'e',
      correlationId: 'c',
      causationId: 'k',
      occurredAt: 1.5,
    }
    const line = exportLine({ ...EVENT, ...said, schemaVersion: 3, expiresAt: Number.POSITIVE_INFINITY }, 1)
    expect(parseLine(line)).toMatchObject({
      options: said,
      schemaVersion: 3,
      expiresAt: Number.POSITIVE_INFINITY,
    })
  })

  test("makes a plain type of the store's own, so that an expiry comes back as a delete", () => {
    const { state, options } = parseLine(exportLine({ ...EVENT, type: '$expired' }, undefined))
    expect(state).toBeUndefined()
    expect(options.type).toBe('expired')
    expect(parseLine('{"session":"a","deleted":true,"type":"$expired"}').options.type).toBe('expired')
  })

  test('takes a state that only looks tagged as it is', () => {
    expect(parseLine('{"session":"a","state":{"$date":"x"}}').state).toEqual({ $date: 'x' })
    expect(parseLine('{"session":"a","state":{"__proto__":{"x":1}}}').state).toHaveProperty(['__proto__'], {
      x: 1,
    })
  })

  test('reads times as UTC where they name no zone', () => {
    const at = (text: string) =>
      parseLine(JSON.stringify({ session: 'a', state: 1, at: text })).options.occurredAt
    expect(at('2024-02-29')).toBe(Date.UTC(2024, 1, 29))
    expect(at('2024-02-29T12:00:00.123456')).toBe(Date.UTC(2024, 1, 29, 12, 0, 0, 123))
    expect(at('2024-02-29T12:00:00+02:00')).toBe(Date.UTC(2024, 1, 29, 10))
  })

  test.each([
    ['', 'nothing'],
    ['[]', 'an array'],
    ['null', 'null'],
    ['{"session":"a"}', 'no state'],
    ['{"state":1}', 'no session'],
    ['{"session":"","state":1}', 'an empty id'],
    ['{"session":"\\ud800","state":1}', 'an id that is not well-formed'],
    [`{"session":"${'x'.repeat(1025)}","state":1}`, 'an id of over 1,024 bytes'],
    ['{"session":5,"state":1}', 'an id that is a number'],
    ['{"session":"a","state":1,"deleted":true}', 'a delete with a state'],
    ['{"session":"a","deleted":"yes"}', 'a delete that is no boolean'],
    ['{"session":"a","state":1,"actor":{"name":"ann"}}', 'an actor that is no string'],
    ['{"session":"a","state":1,"type":"$own"}', "a type of the store's own"],
    ['{"session":"a","state":1,"type":""}', 'an empty type'],
    ['{"session":"a","state":1,"at":"yesterday"}', 'a time in words'],
    ['{"session":"a","state":1,"at":"2024-13-45"}', 'a day that no calendar has'],
    ['{"session":"a","state":1,"at":true}', 'a time that is a boolean'],
    ['{"session":"a","state":1,"encoding":"cbor"}', 'an unknown encoding'],
    ['{"session":"a","state":{"$x":1},"encoding":"tagged"}', 'an unknown tag'],
    ['{"session":"a","state":1,"actr":"ann"}', 'an unknown field'],
    ['{"session":"a","txn":1,"at":null,"actor":null,"patch":[0,0,"x"]}', 'an edit of a text'],
    [`{"session":"a","state":${'['.repeat(1001)}${']'.repeat(1001)}}`, 'nesting over 1,000 levels'],
  ])('refuses %s: %s', text => {
    expect(() => parseLine(text)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^SESSIONLOG_/) }),
    )
  })
})

test('decode() refuses bytes that are not UTF-8', () => {
  expect(() => decode(Buffer.from([0x22, 0xff, 0x22]))).toThrow(
    expect.objectContaining({ code: 'SESSIONLOG_INVALID_ARGUMENT' }),
  )
  expect(decode(Buffer.from('\ufeffa'))).toBe('a')
  expect(decode(Buffer.from('\ufeffa'), 2)).toBe('\ufeffa')
})
