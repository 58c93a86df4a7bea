import { describe, expect, test } from 'vitest'
import { apply, applyInPlace } from '../../src/state/apply.ts'
import type { Change } from '../../src/state/changes.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { failureOf } from '../support/outcome.ts'
import { expectExact, expectFrozen } from './exact.ts'

const state = reconcile(undefined, {
  a: { x: 1, y: { z: 2 } },
  list: [{ n: 1 }, { n: 2 }, { n: 3 }],
  text: 'hello',
  same: { deep: { s: 1 } },
}).state as { a: object; list: object[]; text: string; same: object }

describe('apply()', () => {
  test('shares what the changes do not touch, and freezes the rest', () => {
    const next = apply(
      [
        { op: 'replace', path: '/a/y/z', value: 5 },
        { op: 'add', path: '/a/y/w', value: { k: [1] } },
        { op: 'splice', path: '/list', index: 1, remove: 1, insert: [{ n: 8 }, { n: 9 }] },
        { op: 'replace', path: '/list/1/n', value: 7 },
        { op: 'splice', path: '/text', index: 5, remove: 0, insert: '!' },
      ],
      state,
    ) as typeof state
    expectExact(next, {
      a: { x: 1, y: { z: 5, w: { k: [1] } } },
      list: [{ n: 1 }, { n: 7 }, { n: 9 }, { n: 3 }],
      text: 'hello!',
      same: { deep: { s: 1 } },
    })
    expectFrozen(next)
    expect(next.same).toBe(state.same)
    expect(next.list[0]).toBe(state.list[0])
    expect(next.list[3]).toBe(state.list[2])
  })

  test('leaves the state and the changes as they were', () => {
    const before = structuredClone(state)
    const value = Object.freeze({ inner: Object.freeze({ n: 1 }) })
    const changes: Change[] = [
      { op: 'replace', path: '/a', value },
      { op: 'replace', path: '/a/inner/n', value: 2 },
    ]
    expect(apply(changes, state)).toMatchObject({ a: { inner: { n: 2 } } })
    expectExact(state, before)
    expect(value.inner.n).toBe(1)
    expect(apply([], state)).toBe(state)
  })

  test('copies an array once for many changes', () => {
    const list = reconcile(
      undefined,
      Array.from({ length: 20_000 }, (_, n) => ({ n })),
    ).state
    const changes: Change[] = Array.from({ length: 20_000 }, (_, n) => ({
      op: 'replace',
      path: `/${n}/n`,
      value: -n,
    }))
    const next = apply(changes, list) as { n: number }[]
    expect(next[19_999]).toEqual({ n: -19_999 })
  })

  test('puts in more elements than a call can have arguments', () => {
    const insert = Object.freeze(new Array(300_000).fill(1))
    expect(
      apply([{ op: 'splice', path: '', index: 1, remove: 1, insert }], Object.freeze([0, 0, 2])),
    ).toHaveLength(300_002)
  })

  test('takes a whole state whatever was there before', () => {
    for (const op of ['add', 'replace'] as const) {
      expect(apply([{ op, path: '', value: 5 }], undefined)).toBe(5)
      expect(apply([{ op, path: '', value: 5 }], state)).toBe(5)
    }
    expect(apply([{ op: 'remove', path: '' }], state)).toBeUndefined()
  })

  test('freezes values that come fresh from a decoder', () => {
    const next = apply([{ op: 'replace', path: '/a', value: { list: [new Map([[{}, [1]]])] } }], state)
    expectFrozen(next)
  })

  test('changes __proto__ as a key like any other', () => {
    const next = apply(
      [{ op: 'add', path: '/__proto__', value: { x: 1 }, before: 'b' }],
      Object.freeze({ a: 1, b: 2 }),
    )
    expectExact(next, JSON.parse('{"a":1,"__proto__":{"x":1},"b":2}'))
    expectExact(
      apply([{ op: 'replace', path: '/__proto__/x', value: 2 }], next),
      JSON.parse('{"a":1,"__proto__":{"x":2},"b":2}'),
    )
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  test.each<[string, Change]>([
    ['a key that is not there', { op: 'replace', path: '/a/none', value: 1 }],
    ['a key to remove that is not there', { op: 'remove', path: '/none' }],
    ['an inherited key', { op: 'replace', path: '/a/toString', value: 1 }],
    ['a way through an inherited object', { op: 'add', path: '/a/__proto__/x', value: 1 }],
    ['a way through a text', { op: 'add', path: '/text/x', value: 1 }],
    ['a key to add that is there already', { op: 'add', path: '/a/x', value: 1 }],
    [
      'a key to stand in front of one that is not there',
      { op: 'add', path: '/a/n', value: 1, before: 'none' },
    ],
    ['an index to add', { op: 'add', path: '/list/0', value: 1 }],
    ['an index to remove', { op: 'remove', path: '/list/0' }],
    ['an index beyond the end', { op: 'replace', path: '/list/3', value: 1 }],
    ['an index that is none', { op: 'replace', path: '/list/01', value: 1 }],
    ['a splice beyond the end', { op: 'splice', path: '/list', index: 2, remove: 2, insert: [] }],
    ['a splice before the beginning', { op: 'splice', path: '/list', index: -1, remove: 0, insert: [] }],
    ['a splice of a number', { op: 'splice', path: '/a/x', index: 0, remove: 0, insert: [] }],
    ['a splice of text with elements', { op: 'splice', path: '/text', index: 0, remove: 0, insert: [] }],
    ['a splice of an array with text', { op: 'splice', path: '/list', index: 0, remove: 0, insert: 'x' }],
    ['a path that is no pointer', { op: 'replace', path: 'a/x', value: 1 }],
    ['a path with an unknown escape', { op: 'replace', path: '/a~2', value: 1 }],
  ])('finds corruption in %s', async (_, change) => {
    for (const run of [() => apply([change], state), () => applyInPlace([change], structuredClone(state))])
      expect(await failureOf(run)).toMatchObject({ code: 'SESSIONLOG_CORRUPTION', path: change.path })
  })

  test('finds corruption in the removal of a state that is not there', async () => {
    expect(await failureOf(() => apply([{ op: 'remove', path: '' }], undefined))).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
    })
  })
})
