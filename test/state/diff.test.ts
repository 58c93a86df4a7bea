import { describe, expect, test } from 'vitest'
import { apply } from '../../src/state/apply.ts'
import type { Change } from '../../src/state/changes.ts'
import { diff } from '../../src/state/diff.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { expectExact } from './exact.ts'

/** The changes between two values, after making sure that they lead from one to the other. */
function changesBetween(before: unknown, after: unknown): Change[] {
  const previous = reconcile(undefined, before).state
  const { state, changes } = reconcile(previous, after)
  expectExact(apply(changes, previous), after)
  expectExact(state, after)
  return changes as Change[]
}

describe('The changes of a whole state', () => {
  test('begin with its being added', () => {
    expect(diff(undefined, { a: 1 })).toEqual([{ op: 'add', path: '', value: { a: 1 } }])
  })

  test('end with its being removed', () => {
    expect(diff({ a: 1 }, undefined)).toEqual([{ op: 'remove', path: '' }])
    expect(diff(undefined, undefined)).toEqual([])
  })

  test('replace it where it is of another kind', () => {
    expect(changesBetween({ a: 1 }, [1])).toEqual([{ op: 'replace', path: '', value: [1] }])
    expect(changesBetween('a', 5)).toEqual([{ op: 'replace', path: '', value: 5 }])
    expect(changesBetween(0, -0)).toEqual([{ op: 'replace', path: '', value: -0 }])
  })

  test('replace it where nothing of it stayed', () => {
    expect(changesBetween({ a: 1, b: 2, c: 3 }, { a: 4, b: 5, c: 6 })).toEqual([
      { op: 'replace', path: '', value: { a: 4, b: 5, c: 6 } },
    ])
    expect(changesBetween({ a: 1 }, { a: 2 })).toEqual([{ op: 'replace', path: '/a', value: 2 }])
  })
})

describe('The changes of an object', () => {
  test('say what became of each key, in a path with escapes', () => {
    expect(
      changesBetween({ a: { 'x/y': 1, '~': 2, gone: 3 }, b: 1 }, { a: { 'x/y': 1, '~': 4, added: 5 }, b: 1 }),
    ).toEqual([
      { op: 'remove', path: '/a/gone' },
      { op: 'replace', path: '/a/~0', value: 4 },
      { op: 'add', path: '/a/added', value: 5 },
    ])
  })

  test('say what a new key stands in front of', () => {
    expect(changesBetween({ a: 1, b: 2 }, { x: 0, y: 0, a: 1, z: 0, b: 2 })).toEqual([
      { op: 'add', path: '/x', value: 0, before: 'a' },
      { op: 'add', path: '/y', value: 0, before: 'a' },
      { op: 'add', path: '/z', value: 0, before: 'b' },
    ])
  })

  test('leave the order of indexes to the language', () => {
    expect(changesBetween({ 5: 1, a: 1 }, { 3: 0, 5: 1, 7: 0, a: 1 })).toEqual([
      { op: 'add', path: '/3', value: 0 },
      { op: 'add', path: '/7', value: 0 },
    ])
    expect(changesBetween({ a: 1 }, { '01': 0, a: 1, '4294967295': 1 })).toEqual([
      { op: 'add', path: '/01', value: 0, before: 'a' },
      { op: 'add', path: '/4294967295', value: 1 },
    ])
  })

  test('replace it where keys that it kept change places', () => {
    expect(changesBetween({ o: { a: 1, b: 2 }, p: 1 }, { o: { b: 2, a: 1 }, p: 1 })).toEqual([
      { op: 'replace', path: '/o', value: { b: 2, a: 1 } },
    ])
  })

  test('replace it rather than put many keys in front of others', () => {
    const added = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0]))
    expect(changesBetween({ a: 1 }, { ...added(16), a: 1 })).toHaveLength(16)
    expect(changesBetween({ a: 1 }, { ...added(17), a: 1 })).toHaveLength(1)
  })

  test('treat __proto__ as a key like any other', () => {
    const withKey = (value: unknown) => JSON.parse(`{"a":1,"__proto__":${JSON.stringify(value)}}`)
    expect(changesBetween({ a: 1 }, withKey({ x: 1 }))).toEqual([
      { op: 'add', path: '/__proto__', value: { x: 1 } },
    ])
    expect(changesBetween(withKey({ x: 1, y: 1 }), withKey({ x: 2, y: 1 }))).toEqual([
      { op: 'replace', path: '/__proto__/x', value: 2 },
    ])
    expect(changesBetween(withKey(1), { a: 1 })).toEqual([{ op: 'remove', path: '/__proto__' }])
  })

  test('replace Maps, Sets, Dates and bytes whole', () => {
    const before = { d: new Date(1), m: new Map([[1, 2]]), s: new Set([1]), b: new Uint8Array(3), x: 1 }
    const after = { d: new Date(2), m: new Map([[1, 3]]), s: new Set([2]), b: new Uint8Array(4), x: 1 }
    expect(changesBetween(before, after).map(change => [change.op, change.path])).toEqual([
      ['replace', '/d'],
      ['replace', '/m'],
      ['replace', '/s'],
      ['replace', '/b'],
    ])
  })

  test('go no deeper than a path can be read', () => {
    const nest = (leaf: unknown, levels: number): unknown =>
      levels === 0 ? leaf : { a: nest(leaf, levels - 1), b: 1 }
    const [change] = changesBetween(nest(1, 900), nest(2, 900))
    expect(change!.path.split('/').length).toBeLessThanOrEqual(101)
  })
})

describe('The changes of an array', () => {
  test('put in, take out and replace elements', () => {
    expect(changesBetween([1, 2, 3], [1, 2, 3, 4])).toEqual([
      { op: 'splice', path: '', index: 3, remove: 0, insert: [4] },
    ])
    expect(changesBetween([1, 2, 3], [2, 3])).toEqual([
      { op: 'splice', path: '', index: 0, remove: 1, insert: [] },
    ])
    expect(changesBetween([1, 2, 3], [1, 5, 3])).toEqual([{ op: 'replace', path: '/1', value: 5 }])
    expect(changesBetween([1, 2, 3, 4], [1, 7, 8, 4])).toEqual([
      { op: 'splice', path: '', index: 1, remove: 2, insert: [7, 8] },
    ])
  })

  test('count places as the changes before left them', () => {
    const list = Array.from({ length: 20 }, (_, index) => index)
    const next = [-1, ...list.slice(0, 5), ...list.slice(8, 15), 100, 101, ...list.slice(15)]
    expect(changesBetween(list, next)).toEqual([
      { op: 'splice', path: '', index: 0, remove: 0, insert: [-1] },
      { op: 'splice', path: '', index: 6, remove: 3, insert: [] },
      { op: 'splice', path: '', index: 13, remove: 0, insert: [100, 101] },
    ])
  })

  test('go into an element that is the same one, changed', () => {
    expect(
      changesBetween(
        [
          { id: 1, n: 1 },
          { id: 2, n: 1 },
        ],
        [
          { id: 1, n: 1 },
          { id: 2, n: 2 },
          { id: 3, n: 3 },
        ],
      ),
    ).toEqual([
      { op: 'replace', path: '/1/n', value: 2 },
      { op: 'splice', path: '', index: 2, remove: 0, insert: [{ id: 3, n: 3 }] },
    ])
  })

  test('replace elements of which nothing stayed together', () => {
    const rows = (n: number) => [0, { a: n, b: n, c: n }, { a: n + 1, b: n + 1, c: n + 1 }, 9]
    expect(changesBetween(rows(1), rows(5))).toEqual([
      { op: 'splice', path: '', index: 1, remove: 2, insert: rows(5).slice(1, 3) },
    ])
  })

  test('tell 0 from -0, and know NaN again', () => {
    expect(changesBetween([NaN, 0, 1], [NaN, -0, 1])).toEqual([{ op: 'replace', path: '/1', value: -0 }])
    expect(changesBetween([0, 1, 2, 3], [9, -0, 1, 2, 3, 3])).toHaveLength(2)
  })
})

describe('The changes of a text', () => {
  const text = 'The quick brown fox jumps over the lazy dog.'

  test('splice one that is long', () => {
    expect(changesBetween({ text }, { text: text.replace('brown', 'red') })).toEqual([
      { op: 'splice', path: '/text', index: 10, remove: 5, insert: 'red' },
    ])
    expect(changesBetween(text, `${text}!`)).toEqual([
      { op: 'splice', path: '', index: 44, remove: 0, insert: '!' },
    ])
    expect(changesBetween([text], [text.slice(4)])).toEqual([
      { op: 'splice', path: '/0', index: 0, remove: 4, insert: '' },
    ])
  })

  test('replace one that is short, or of which little stayed', () => {
    expect(changesBetween({ a: 'abc' }, { a: 'abd' })).toEqual([{ op: 'replace', path: '/a', value: 'abd' }])
    expect(changesBetween({ text }, { text: text.toUpperCase() })).toHaveLength(1)
    expect(changesBetween({ text }, { text: text.toUpperCase() })[0]!.op).toBe('replace')
  })

  test('never cut a surrogate pair, of which an edit changes one half', () => {
    const pad = 'x'.repeat(40)
    // 😀 and 😁 share their first half; 😀 and \u{1f9600} their second.
    for (const [before, after] of [
      ['😀', '😁'],
      ['😀', '\u{1ba00}'],
      ['😀', ''],
      ['', '😀'],
      ['😀😀', '😀'],
      ['\ud83d', '😀'],
      ['😀', '\ude00'],
      ['\ude00\ud83d', '\ud83d\ude00'],
    ]) {
      const [change] = changesBetween(pad + before + pad, pad + after + pad)
      expect(change!.op).toBe('splice')
      const { index, remove, insert } = change as Extract<Change, { op: 'splice' }>
      const old = pad + before + pad
      for (const part of [old.slice(0, index), old.slice(index, index + remove), old.slice(index + remove)]) {
        expect(old.isWellFormed() && !part.isWellFormed()).toBe(false)
      }
      expect((pad + after + pad).isWellFormed() && !(insert as string).isWellFormed()).toBe(false)
    }
  })

  test('find one edit anywhere in a long one', () => {
    const long = Array.from({ length: 9_000 }, (_, index) => index).join(' ')
    for (const at of [0, 1, 4_095, 4_096, 4_097, 20_000, long.length - 1, long.length]) {
      for (const remove of [0, 1, 5_000]) {
        const next = `${long.slice(0, at)}→${long.slice(at + remove)}`
        const [change] = changesBetween(long, next)
        expect(change).toMatchObject({ op: 'splice', insert: expect.stringContaining('→') })
      }
    }
  })

  test('cope with repetition', () => {
    const same = 'a'.repeat(50)
    expect(changesBetween(same, `${same}a`)).toEqual([
      { op: 'splice', path: '', index: 50, remove: 0, insert: 'a' },
    ])
    expect(changesBetween(`${same}aaa`, same)).toEqual([
      { op: 'splice', path: '', index: 50, remove: 3, insert: '' },
    ])
  })
})
