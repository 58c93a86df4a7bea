import { stripVTControlCharacters } from 'node:util'
import picocolors from 'picocolors'
import { expect, test } from 'vitest'
import type { PlayerModel } from '../../src/cli/player-model.ts'
import { panesOf, type Size } from '../../src/cli/player-panes.ts'
import { screenOf } from '../../src/cli/player-view.ts'
import { widthOf } from '../../src/cli/text.ts'
import { FIRST, LONG, modelOf, SIZE, stepOf } from './player.ts'

const plain = picocolors.createColors(false)

function draw(model: PlayerModel, size: Size = SIZE, colors = plain): string[] {
  return screenOf(model, panesOf(model.step, size), size, colors)
}

/** As it reads on the terminal. */
const seen = (...args: Parameters<typeof draw>) =>
  draw(...args).map(line => stripVTControlCharacters(line).trimEnd())

test('a screen says where one is, who did what, what changed, and what came of it', () => {
  const step = stepOf(
    { n: 1, items: ['tea'] },
    { n: 2, items: ['tea', 'milk'] },
    { version: 1234, actor: { id: 'ann', type: 'user' }, type: 'added', reason: 'thirst' },
  )
  expect(seen(modelOf(step, { last: 2000 }), { columns: 80, rows: 14 })).toEqual([
    'cart  version 1,234 of 2,000  2024-02-29T00:00:00.000Z',
    'user ann  added  thirst',
    '─ 2 changes ────────────────────┬── state ──────────────────────────────────────',
    '/n: 1 → 2                       │   {',
    '+/items/1 "milk"                │ >   "n": 2,',
    '                                │     "items": [',
    '                                │       "tea",',
    '                                │ >     "milk"',
    '                                │     ]',
    '                                │   }',
    '                                │',
    '                                │',
    'paused  ×1',
    'Space play  ←→ step  : jump  / search  ? keys  q quit',
  ])
})

test('a narrow screen has one pane above the other', () => {
  expect(seen(modelOf(stepOf({ text: 'a', old: 1 }, { text: 'b' })), { columns: 30, rows: 13 })).toEqual([
    'cart  version 1 of 1  2024-02…',
    'saved',
    '─ 2 changes, lines 1–2 of 3 ──',
    '-/old',
    '  - 1',
    '─ state ──────────────────────',
    '- {',
    '>   "text": "b"',
    '  }',
    '',
    '',
    'paused  ×1',
    'Space play  ←→ step  : jump  …',
  ])
})

test('changes are told with what was there before', () => {
  const text = 'lorem ipsum dolor sit amet '.repeat(4)
  const changes = (before: unknown, after: unknown) =>
    panesOf(stepOf(before, after), { columns: 400, rows: 24 }).changes.lines.map(line => line.text)
  const rest = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8 }
  expect(changes({ ...rest, note: 'x' }, rest)).toEqual(['-/note', '  - "x"'])
  expect(changes({ ...rest, text: `${text}old${text}` }, { ...rest, text: `${text}new ${text}` })).toEqual([
    '~/text @108 -3 +4',
    '  - "old"',
    '  + "new "',
  ])
  expect(changes({ ...rest, list: [1, 2, 3, 4] }, { ...rest, list: [1, 4] })).toEqual([
    '-/list/1…2',
    '  - [2,3]',
  ])
  expect(changes(rest, undefined)).toEqual(['deleted', expect.stringContaining('  - {"a":1')])
  expect(changes(rest, rest)).toEqual(['(nothing)'])
})

test('more changes than anybody reads are counted', () => {
  const before = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`k${n}`, n]))
  const after = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`k${n}`, n < 1500 ? n : -n]))
  const { changes } = stepOf(before, after)
  const many = { ...stepOf(before, after), changes: Array.from({ length: 2000 }, (_, n) => changes[n % 2]!) }
  expect(panesOf(many, SIZE).changes.lines.at(-1)?.text).toBe('… 1,500 more changes')
})

test.each([
  [100, 24],
  [80, 24],
  [79, 24],
  [300, 100],
  [20, 7],
  [7, 3],
  [1, 1],
])('a screen of %i columns and %i rows is filled, and no line is longer', (columns, rows) => {
  const naughty = '\x1b[2J日本\u202e\u0000👨‍👩‍👧‍👦\x9b'
  const naughtyStep = stepOf(
    undefined,
    { [naughty]: naughty },
    { actor: naughty, reason: naughty.repeat(20) },
  )
  const models = [
    modelOf(FIRST),
    modelOf(LONG, { helping: true }),
    modelOf(LONG, { prompt: { asks: 'jump', text: naughty.repeat(20) } }),
    modelOf(LONG, { message: naughty.repeat(20) }),
    modelOf(naughtyStep, { session: naughty.repeat(20) }),
  ]
  for (const model of models) {
    const lines = draw(model, { columns, rows })
    expect(lines).toHaveLength(rows)
    for (const line of lines) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the one sequence that may be there.
      const text = line.replace(/\x1b\[\d+G/, '')
      expect(text).not.toMatch(/[\p{Cc}\u202e]/u)
      expect(widthOf(text)).toBeLessThanOrEqual(columns)
    }
  }
})

test('what is new, and what a key asks for, stands out in colours', () => {
  const text = 'lorem ipsum dolor sit amet '.repeat(2)
  const step = stepOf({ n: 1, text }, { n: 2, text: `${text}!` })
  const screen = draw(modelOf(step), SIZE, picocolors.createColors(true)).join('\n')
  expect(screen).toContain('\x1b[1m\x1b[32m"n": 2,\x1b[39m\x1b[22m')
  expect(screen).toContain('\x1b[7m\x1b[32m!\x1b[39m\x1b[27m')
})
