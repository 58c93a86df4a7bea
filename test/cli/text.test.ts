import { describe, expect, test } from 'vitest'
import { describeChanges } from '../../src/cli/change-text.ts'
import { formatBytes, formatTime, parseTime, printable, truncate, widthOf } from '../../src/cli/text.ts'
import type { Changes, RecordedEvent } from '../../src/index.ts'

const say = (changes: Changes, state?: unknown) =>
  describeChanges({ changes } as RecordedEvent, state === undefined ? undefined : { state })

describe('describeChanges()', () => {
  test('says what changed, and what was there where the state before is given', () => {
    const state = { cart: [{ qty: 1 }], text: 'abc', note: 'x' }
    expect(say([{ op: 'replace', path: '/cart/0/qty', value: 2 }], state)).toBe('/cart/0/qty: 1 → 2')
    expect(say([{ op: 'replace', path: '/cart/0/qty', value: 2 }])).toBe('/cart/0/qty: → 2')
    expect(say([{ op: 'add', path: '/who', value: { a: 1 } }], state)).toBe('+/who {"a":1}')
    expect(say([{ op: 'remove', path: '/note' }], state)).toBe('-/note')
    expect(say([{ op: 'remove', path: '' }], state)).toBe('deleted')
    expect(say([], state)).toBe('(nothing)')
  })

  test('says where a text or a list was spliced', () => {
    const splice = (path: string, index: number, remove: number, insert: string | unknown[]) =>
      say([{ op: 'splice', path, index, remove, insert }])
    expect(splice('/text', 120, 1, 'abc')).toBe('~/text @120 -1 +3')
    expect(splice('/text', 0, 0, 'abc')).toBe('~/text @0 +3')
    expect(splice('/items', 4, 0, ['tea'])).toBe('+/items/4 "tea"')
    expect(splice('/items', 4, 0, [1, 2])).toBe('+/items/4 (2)')
    expect(splice('/items', 4, 3, [])).toBe('-/items/4…6')
    expect(splice('/items', 4, 1, [1, 2])).toBe('~/items @4 -1 +2')
  })

  test('stops after a few', () => {
    const changes = Array.from({ length: 10 }, (_, n) => ({ op: 'remove', path: `/${n}` }) as const)
    expect(say(changes)).toBe('-/0, -/1, -/2, -/3, … 6 more')
  })
})

test('printable() spells out what would act on a terminal, and a lone surrogate', () => {
  expect(printable('a\x1b[31m\nb\u202e\ud800😀')).toBe('a\\u{1b}[31m\\nb\\u{202e}\\u{d800}😀')
})

test('truncate() keeps to the columns, wide characters and clusters too', () => {
  expect(truncate('abcdef', 4)).toBe('abc…')
  expect(truncate('abcd', 4)).toBe('abcd')
  expect(widthOf('日本')).toBe(4)
  expect(truncate('日本語', 5)).toBe('日本…')
  expect(widthOf('👨‍👩‍👧‍👦e\u0301')).toBe(3)
  expect(truncate('x'.repeat(1e6), 10)).toHaveLength(10)
})

test('times and sizes read well, and times come back', () => {
  expect(formatTime(Date.UTC(2024, 1, 29, 12))).toBe('2024-02-29 12:00:00Z')
  expect(formatTime(9e15)).toBe('9000000000000000')
  expect(formatBytes(0)).toBe('0 B')
  expect(formatBytes(1234567)).toBe('1.2 MB')
  expect(parseTime('+012024-02-29T00:00:00.000Z')).toBe(Date.parse('+012024-02-29T00:00:00.000Z'))
  expect(parseTime('12:00')).toBeUndefined()
})
