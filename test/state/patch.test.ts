import { describe, expect, test } from 'vitest'
import type { Changes } from '../../src/state/changes.ts'
import { applyJsonPatch } from '../../src/state/json-patch.ts'
import { toJsonPatch } from '../../src/state/patch.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { expectExact } from './exact.ts'

function patchBetween(before: unknown, after: unknown) {
  const previous = reconcile(undefined, before).state
  return toJsonPatch(reconcile(previous, after).changes, previous)
}

describe('toJsonPatch()', () => {
  test('writes RFC 6902 for plain JSON', () => {
    const before = { a: 1, list: [1, 2, 3], gone: 1, kept: true }
    const after = { a: 2, list: [2, 3, 4], kept: true, added: { x: 1 } }
    const { patch, inexact } = patchBetween(before, after)
    expect(inexact).toEqual([])
    expect(patch).toEqual([
      { op: 'remove', path: '/gone' },
      { op: 'replace', path: '/a', value: 2 },
      { op: 'remove', path: '/list/0' },
      { op: 'add', path: '/list/2', value: 4 },
      { op: 'add', path: '/added', value: { x: 1 } },
    ])
    expectExact(applyJsonPatch(patch, before), after)
  })

  test('writes texts whole', () => {
    const text = 'The quick brown fox jumps over the lazy dog.'
    const { patch } = patchBetween({ text, n: 1 }, { text: `${text}!`, n: 1 })
    expect(patch).toEqual([{ op: 'replace', path: '/text', value: `${text}!` }])
  })

  test('writes an array whole where that is shorter', () => {
    const before = { list: [1, 2, 3, 4, 5, 6], n: 1 }
    const { patch } = patchBetween(before, { list: [6], n: 1 })
    expect(patch).toEqual([{ op: 'replace', path: '/list', value: [6] }])
  })

  test('writes several splices of one array, each where the others left it', () => {
    const before = Array.from({ length: 30 }, (_, n) => ({ n }))
    const after = [
      { n: -1 },
      ...before.slice(0, 9),
      { n: 9, x: 1 },
      ...before.slice(10, 20),
      ...before.slice(25),
    ]
    const { patch } = patchBetween(before, after)
    expectExact(applyJsonPatch(patch, before), after)
  })

  test('says that a patch cannot put a key in front of another', () => {
    const { patch, inexact } = patchBetween({ a: 1, b: 2 }, { a: 1, x: 0, b: 2 })
    expect(inexact).toEqual([{ path: '/x', reason: 'key-order' }])
    expect(patch).toEqual([{ op: 'add', path: '/x', value: 0 }])
  })

  test('says which values JSON lacks, and writes them with their tags', () => {
    const list = ['a'.repeat(50), 'b'.repeat(50), 'c'.repeat(50)]
    const { patch, inexact } = patchBetween(
      { a: 1, list },
      {
        a: 5n,
        list: [...list, new Date(0), NaN],
      },
    )
    expect(inexact).toEqual([
      { path: '/a', reason: 'not-json' },
      { path: '/list/3', reason: 'not-json' },
      { path: '/list/4', reason: 'not-json' },
    ])
    expect(patch[0]).toEqual({ op: 'replace', path: '/a', value: { $bigint: '5' } })
  })

  test('writes an object that looks like a tag as it is', () => {
    const { patch, inexact } = patchBetween({ a: 1 }, { a: { $date: 'mine' } })
    expect(inexact).toEqual([])
    expect(patch).toEqual([{ op: 'replace', path: '/a', value: { $date: 'mine' } }])
  })

  test('says that a patch cannot quite delete a state', () => {
    const changes: Changes = [{ op: 'remove', path: '' }]
    expect(toJsonPatch(changes, { a: 1 })).toEqual({
      patch: [{ op: 'remove', path: '' }],
      inexact: [{ path: '', reason: 'deleted' }],
    })
  })

  test('begins a state', () => {
    const { patch, inexact } = toJsonPatch([{ op: 'add', path: '', value: { a: 1 } }], undefined)
    expect({ patch, inexact }).toEqual({ patch: [{ op: 'add', path: '', value: { a: 1 } }], inexact: [] })
    expect(applyJsonPatch(patch, undefined)).toEqual({ a: 1 })
  })
})
