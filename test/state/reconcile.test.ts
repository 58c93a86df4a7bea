import { runInNewContext } from 'node:vm'
import { create } from 'mutative'
import { describe, expect, test } from 'vitest'
import { apply } from '../../src/state/apply.ts'
import { encodeValue } from '../../src/state/cbor-values.ts'
import { reconcile } from '../../src/state/reconcile.ts'
import { expectExact, expectFrozen } from './exact.ts'

type Row = { id: number; name: string; tags: string[] }
const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}`, tags: ['a', 'b'] }))
const first = <T>(state: T) => reconcile(undefined, state).state as T
const bytesOf = (previous: unknown, next: unknown) => encodeValue(reconcile(previous, next).changes).length

describe('The state that reconcile() answers with', () => {
  test('is deeply frozen and keeps nothing of the caller', () => {
    const bytes = new Uint8Array([1, 2])
    const next = { a: [{ b: 1 }], date: new Date(5), bytes, map: new Map([['k', { v: 1 }]]) }
    const { state } = reconcile(undefined, next)
    expectFrozen(state)
    next.a[0]!.b = 2
    next.date.setTime(6)
    next.map.get('k')!.v = 2
    bytes[0] = 9
    expectExact(state, {
      a: [{ b: 1 }],
      date: new Date(5),
      bytes: new Uint8Array([1, 2]),
      map: new Map([['k', { v: 1 }]]),
    })
  })

  test('is the previous one, without changes, where nothing changed', () => {
    const make = () => ({
      a: [1, -0, NaN, 'x', null, undefined, 5n],
      b: { c: new Date(5), d: new Map([[{ k: 1 }, new Set([1])]]), e: new Uint8Array([1]) },
      ['__proto__']: { x: 1 },
      bare: Object.assign(Object.create(null), { y: 1 }),
    })
    const state = first(make())
    expect(reconcile(state, make())).toEqual({ state, changes: [], size: 0 })
    expect(reconcile(state, make()).state).toBe(state)
    expect(reconcile(state, state).state).toBe(state)
    expect(reconcile('a', 'a').changes).toEqual([])
  })

  test('shares every part that did not change', () => {
    const state = first({ left: { deep: { x: 1 } }, list: rows(5), date: new Date(1), right: { y: 1 } })
    const next = structuredClone(state)
    next.list[2]!.tags.push('c')
    next.right.y = 2
    const result = reconcile(state, next).state as typeof state
    expect(result.left).toBe(state.left)
    expect(result.date).toBe(state.date)
    expect(result.list.map((row, index) => row === state.list[index])).toEqual([
      true,
      true,
      false,
      true,
      true,
    ])
    expect(result.right).not.toBe(state.right)
  })

  test('reads each property once', () => {
    let reads = 0
    const getter = { get: () => ({ n: ++reads }), enumerable: true, configurable: true }
    const list: unknown[] = [{ n: 7 }, 0]
    Object.defineProperty(list, 1, getter)
    const next = Object.defineProperty({ a: 1, list }, 'b', getter)
    expectExact(reconcile({ a: 1, list: [], b: {} }, next).state, {
      a: 1,
      list: [{ n: 7 }, { n: 1 }],
      b: { n: 2 },
    })
    expect(reads).toBe(2)
  })

  test('does not trust an object for being frozen', () => {
    const inner = { n: 1 }
    const next = Object.freeze({ inner })
    const state = reconcile(undefined, next).state as typeof next
    inner.n = 2
    expect(state).toEqual({ inner: { n: 1 } })
    expect(reconcile(state, next).state).toEqual({ inner: { n: 2 } })
  })

  test('has the order of keys that the caller gave', () => {
    const state = first({ a: 1, b: 2, 10: 'x', 9: 'y' })
    for (const next of [
      { b: 2, a: 1 },
      { c: 1, a: 1, b: 2 },
      { a: 1, c: 1, b: 2, d: 3 },
      { b: 2 },
      { 8: 1, b: 1, 9: 'y', a: 1 },
    ]) {
      const result = reconcile(state, next)
      expectExact(result.state, next)
      expectExact(apply(result.changes, state), next)
    }
  })

  test('keeps the difference between an object with and one without a prototype', () => {
    const bare = Object.assign(Object.create(null), { x: 1 })
    const state = first({ a: { x: 1 } })
    expectExact(reconcile(state, { a: bare }).state, { a: bare })
    expectExact(reconcile(first({ a: bare }), { a: { x: 1 } }).state, { a: { x: 1 } })
  })

  test('holds no inherited property, even where a script gave one to all objects', () => {
    Object.defineProperty(Object.prototype, 'polluted', {
      value: 1,
      enumerable: true,
      configurable: true,
      writable: true,
    })
    try {
      expect(Object.keys(first({ a: { b: 1 } }))).toEqual(['a'])
      const state = first({ polluted: 1, a: 1 })
      expect(Object.keys(reconcile(state, { a: 1 }).state as object)).toEqual(['a'])
    } finally {
      delete (Object.prototype as { polluted?: unknown }).polluted
    }
    const state = first({})
    expectExact(
      reconcile(state, JSON.parse('{"__proto__":{},"constructor":{},"toString":1}')).state,
      JSON.parse('{"__proto__":{},"constructor":{},"toString":1}'),
    )
  })

  test('takes what another realm made as our own', () => {
    const foreign = runInNewContext(
      '({ o: { x: 1 }, a: [1], d: new Date(5), m: new Map([[1, 2]]), s: new Set([1]), b: new Uint8Array([1]) })',
    )
    const own = {
      o: { x: 1 },
      a: [1],
      d: new Date(5),
      m: new Map([[1, 2]]),
      s: new Set([1]),
      b: new Uint8Array([1]),
    }
    const state = first(own)
    expect(reconcile(state, foreign).state).toBe(state)
    const copy = first(foreign)
    expect(Object.getPrototypeOf(copy.o)).toBe(Object.prototype)
    expect(copy.d).toBeInstanceOf(Date)
    expectExact(copy, own)
  })

  test('holds a Buffer as a plain Uint8Array of its own', () => {
    const { state } = reconcile(undefined, { b: Buffer.from('abc') })
    expect(Object.getPrototypeOf((state as { b: object }).b)).toBe(Uint8Array.prototype)
    expect((state as { b: Uint8Array }).b.buffer.byteLength).toBe(3)
  })

  test('keeps wide objects fast to read', () => {
    const wide = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`k${index}`, { index }]))
    const state = first(wide)
    const next = { ...structuredClone(wide), k1000: { index: -1 } }
    const result = reconcile(state, next)
    expectExact(result.state, next)
    expect(result.changes).toEqual([{ op: 'replace', path: '/k1000/index', value: -1 }])
  })
})

describe('Of an array, reconcile() shares', () => {
  const list = () => rows(200)
  const state = first(list())
  const sharedBy = (next: Row[]) =>
    (reconcile(state, next).state as Row[]).filter(row => (state as Row[]).includes(row)).length

  test.each<[string, (list: Row[]) => void, number]>([
    ['all but the one put in front', list => list.unshift({ id: -1, name: 'new', tags: [] }), 200],
    ['all but the one put at the end', list => list.push({ id: -1, name: 'new', tags: [] }), 200],
    ['all that are left when the first is gone', list => list.shift(), 199],
    [
      'all that are left when many are gone in several places',
      list => {
        list.splice(150, 20)
        list.splice(60, 30)
        list.splice(10, 5)
      },
      145,
    ],
    [
      'all others when some are put in here and there',
      list => {
        for (const at of [190, 120, 119, 60, 3]) list.splice(at, 0, { id: -at, name: 'new', tags: ['n'] })
      },
      200,
    ],
    [
      'all others when one is put in and another is gone',
      list => {
        list.splice(20, 0, { id: -1, name: 'new', tags: [] })
        list.splice(150, 1)
      },
      199,
    ],
    ['what a window keeps as it slides', list => list.push(list.shift()!), 200],
    [
      'what a window keeps as it slides by many',
      list => list.push(...rows(250).slice(200, 240), ...list.splice(0, 40).slice(0, 0)),
      160,
    ],
    ['all, when they change places', list => list.reverse(), 200],
    [
      'all but one changed',
      list => {
        list[77]!.name = 'other'
      },
      199,
    ],
    [
      'all but two changed',
      list => {
        list[7]!.name = 'other'
        list[190]!.id = 0
      },
      198,
    ],
  ])('%s', (_, edit, shared) => {
    const next = list()
    edit(next)
    const { changes, state: result } = reconcile(state, next)
    expectExact(result, next)
    expectExact(apply(changes, state), next)
    expect(sharedBy(next)).toBe(shared)
  })

  test('the parts of an element that changed', () => {
    const next = list()
    next.unshift({ id: -1, name: 'new', tags: [] })
    next[100]!.name = 'other'
    const result = reconcile(state, next)
    expect((result.state as Row[])[100]!.tags).toBe((state as Row[])[99]!.tags)
    expect(result.changes.map(change => change.path)).toEqual(['', '/100/name'])
  })

  test('equal elements one to one', () => {
    const same = first([{ a: 1 }, { a: 1 }, { a: 1 }])
    expect(reconcile(same, [{ a: 1 }, { a: 1 }, { a: 1 }]).state).toBe(same)
    expect(reconcile(same, [{ a: 0 }, { a: 1 }, { a: 1 }, { a: 1 }]).changes).toEqual([
      { op: 'splice', path: '', index: 0, remove: 0, insert: [{ a: 0 }] },
    ])
  })
})

describe('A draft of mutative', () => {
  const state = first({ list: rows(50), other: { x: 1 } })

  test('is taken over by identity', () => {
    const next = create(state, draft => {
      draft.list[7]!.name = 'other'
    })
    const result = reconcile(state, next)
    expect(result.changes).toEqual([{ op: 'replace', path: '/list/7/name', value: 'other' }])
    expect((result.state as typeof state).other).toBe(state.other)
    expect((result.state as typeof state).list[8]).toBe(state.list[8])
  })

  test('that moves elements needs no more than their places', () => {
    const next = create(state, draft => {
      draft.list.unshift(draft.list.pop()!)
      draft.list.splice(20, 3)
    })
    const result = reconcile(state, next)
    expectExact(result.state, next)
    expect((result.state as typeof state).list.every(row => state.list.includes(row))).toBe(true)
    expectExact(apply(result.changes, state), next)
    expect(encodeValue(result.changes).length).toBeLessThan(200)
  })

  test('that copies a part to another place makes two equal ones', () => {
    const next = create(state, draft => {
      ;(draft as Record<string, unknown>).copy = draft.other
    })
    const result = reconcile(state, next)
    expect(result.changes).toEqual([{ op: 'add', path: '/copy', value: { x: 1 } }])
    expectFrozen(result.state)
  })
})

describe('The changes of a small edit stay small', () => {
  test('when one element is put in front of 10,000', () => {
    const objects = first(rows(10_000))
    expect(bytesOf(objects, [{ id: -1, name: 'new', tags: [] }, ...rows(10_000)])).toBeLessThan(200)
    const numbers = Array.from({ length: 10_000 }, (_, index) => (index * 7_919) % 1_000)
    expect(bytesOf(first(numbers), [5, ...numbers])).toBeLessThan(200)
  })

  test('when one character is put into 250 kB of text', () => {
    for (const unit of ['Lorem ipsum dolor sit amet ', 'Lörem → ipsüm 😀 dölor ']) {
      const text = unit.repeat(Math.ceil(250_000 / unit.length))
      for (const at of [0, 100_003, text.length]) {
        const next = { text: `${text.slice(0, at)}x${text.slice(at)}` }
        expect(bytesOf(first({ text }), next)).toBeLessThan(200)
      }
    }
  })

  test('when a key is added, removed or renamed in a large object', () => {
    const wide = () => Object.fromEntries(rows(3_000).map(row => [row.name, row]))
    const state = first(wide())
    const { 'row 5': _, ...without } = wide()
    expect(bytesOf(state, without)).toBeLessThan(50)
    expect(bytesOf(state, { first: 1, ...wide() })).toBeLessThan(50)
    expect(bytesOf(state, { ...wide(), last: 1 })).toBeLessThan(50)
  })

  test('and their size is told, roughly', () => {
    const state = first({ text: 'x'.repeat(100_000), n: 1 })
    expect(reconcile(state, { ...state, n: 2 }).size).toBeLessThan(100)
    expect(reconcile(state, { ...state, m: new Uint8Array(5_000) }).size).toBeGreaterThan(5_000)
    expect(reconcile(undefined, state).size).toBeGreaterThan(100_000)
  })
})
