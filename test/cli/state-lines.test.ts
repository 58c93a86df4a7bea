import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Row, wrap } from '../../src/cli/player-rows.ts'
import { stateLines } from '../../src/cli/state-lines.ts'
import { printableJson, widthOf } from '../../src/cli/text.ts'
import { apply } from '../../src/state/apply.ts'
import { freezeDeep } from '../../src/state/freeze.ts'
import { changesBetween } from '../../src/state/reconcile.ts'
import { isPlainJson, toTaggedJson } from '../../src/state/tagged-json.ts'

/** What is marked in the lines of a state, and `-` for where something is gone. */
function marked(before: unknown, after: unknown): string[] {
  return stateLines(after, before).flatMap(({ text, mark }) =>
    mark === undefined ? [] : [mark[0] === mark[1] ? `-${text.trim()}` : text.slice(...mark).trim()],
  )
}

const textOf = (lines: readonly Row[]) => lines.map(line => line.text).join('\n')

describe('stateLines()', () => {
  test('gives the JSON of the state, whatever was before', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        const old = freezeDeep(before)
        const made = apply(changesBetween(old, freezeDeep(after)), old)
        const json = isPlainJson(after) ? after : toTaggedJson(after)
        expect(textOf(stateLines(made, old))).toBe(printableJson(JSON.stringify(json, undefined, 2)))
      }),
    )
  })

  test('marks nothing where nothing changed, and all where there was no state', () => {
    const state = { a: [1, { b: 'c' }] }
    expect(marked(state, state)).toEqual([])
    expect(marked(undefined, { a: 1 })).toEqual(['{', '"a": 1', '}'])
    expect(stateLines(undefined, state)).toEqual([{ text: '(no state)', mark: [0, 0] }])
  })

  test('marks members that are new or other, and where some are gone', () => {
    expect(marked({ a: 1, b: 2, c: 3 }, { a: 1, b: 4, d: [5] })).toEqual([
      '-{',
      '"b": 4,',
      '"d": [',
      '5',
      ']',
    ])
  })

  test('marks elements that came, and where some went, however the others moved', () => {
    const [a, b, c] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]
    expect(marked([a, b], ['new', a, b])).toEqual(['"new",'])
    expect(marked([a, b, c], [a, c])).toEqual(['-{'])
    expect(marked([a, b], [a])).toEqual(['-]'])
    expect(marked([a, b, c], [a, { id: 'x' }, c])).toEqual(['"id": "x"'])
  })

  test('marks of a long text what is new in it, and never half of a pair', () => {
    const text = 'lorem ipsum dolor sit amet '.repeat(4)
    expect(marked({ text: `${text}${text}` }, { text: `${text}"new"\n${text}` })).toEqual(['\\"new\\"\\n'])
    expect(marked({ text: `${text}ab${text}` }, { text: text + text })).toEqual([`-"text": "${text}${text}"`])
    expect(marked({ text: `${text}😀` }, { text: `${text}😁` })).toEqual(['😁'])
  })

  test('says in tags what JSON lacks, and marks it whole', () => {
    const before = { when: new Date(0), tags: new Set(['a']), $x: 1n }
    const after = { ...before, tags: new Set(['a', 'b']) }
    expect(marked(before, after).join('')).toContain('"$set"')
    expect(textOf(stateLines(after, before))).toContain('{\n    "$date": "1970-01-01T00:00:00.000Z"\n  }')
  })
})

describe('wrap()', () => {
  const texts = fc.array(
    fc.constantFrom('a', '日', '😀', 'e\u0301', '👨‍👩‍👧‍👦', '\u0301', '\u200b', ' ', '"', '한'),
  )

  test('loses nothing, keeps to the columns and to whole characters', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 2, max: 12 }), (parts, columns) => {
        const text = parts.join('')
        const rows = wrap([{ text }], columns)
        expect(rows.map(row => row.text).join('')).toBe(text)
        for (const row of rows) {
          expect(widthOf(row.text)).toBeLessThanOrEqual(columns)
          expect(row.text.isWellFormed()).toBe(true)
        }
      }),
    )
  })

  test('brings marks to the rows that they fall into', () => {
    const marks = (mark: readonly [number, number]) =>
      wrap([{ text: 'abcdefgh', mark }], 3).map(row => row.mark)
    expect(marks([1, 7])).toEqual([
      [1, 3],
      [0, 3],
      [0, 1],
    ])
    expect(marks([3, 3])).toEqual([undefined, [0, 0], undefined])
    expect(marks([8, 8])).toEqual([undefined, undefined, [2, 2]])
  })

  test('takes a text of 340,000 characters of any width', () => {
    expect(wrap([{ text: '日本'.repeat(170_000) }], 60)).toHaveLength(Math.ceil(340_000 / 30))
  })
})
