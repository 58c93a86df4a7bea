import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectExact } from '../state/exact.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { everything } from '../support/states.ts'
import { create, reopen } from '../support/store.ts'

interface Cart {
  items: { sku: string; count: number }[]
  note: string
}
const cart = (): Cart => ({ items: [{ sku: 'a', count: 1 }], note: 'n' })

describe('edit()', () => {
  test('changes a draft, and records only what changed', async () => {
    const store = await create<Cart>()
    await store.save('a', cart())
    const before = store.get('a')!
    const edited = store.edit('a', draft => {
      draft.items.push({ sku: 'b', count: 2 })
    })
    expect(store.get('a')!.items).toHaveLength(2)
    expect(store.get('a')!.items[0]).toBe(before.items[0])
    expect(before.items).toHaveLength(1)
    expect(await edited).toMatchObject({ version: 2, position: 2 })
    const [, event] = await collect(store.history('a'))
    expect(event!.changes).toEqual([
      { op: 'splice', path: '/items', index: 1, remove: 0, insert: [{ sku: 'b', count: 2 }] },
    ])
  })

  test('takes what the recipe answers with in place of the draft', async () => {
    const store = await create<Cart>()
    await store.save('a', cart())
    await store.edit('a', () => ({ items: [], note: 'new' }))
    expect(store.get('a')).toEqual({ items: [], note: 'new' })
  })

  test('works on a state that cannot be drafted', async () => {
    const store = await create<number | string>()
    await store.save('a', 1)
    await store.edit('a', n => (n as number) + 1)
    expect(store.get('a')).toBe(2)
    await store.edit('a', () => {})
    expect(store.get('a')).toBe(2)
    expect(store.version('a')).toBe(3)
  })

  test('finds what a recipe changes inside a Date, a Map, a Set and bytes', async () => {
    type Rich = { date: Date; map: Map<string, { n: number }>; set: Set<number>; bytes: Uint8Array }
    const store = await create<Rich>()
    await store.save('a', {
      date: new Date(1),
      map: new Map([['k', { n: 1 }]]),
      set: new Set([1]),
      bytes: new Uint8Array([1]),
    })
    const recipes: ((draft: Rich) => void)[] = [
      draft => {
        draft.date.setTime(2)
      },
      draft => {
        draft.map.get('k')!.n = 2
      },
      draft => {
        draft.set.add(2)
      },
      draft => {
        draft.bytes[0] = 2
      },
    ]
    for (const recipe of recipes) await store.edit('a', recipe)
    const expected = {
      date: new Date(2),
      map: new Map([['k', { n: 2 }]]),
      set: new Set([1, 2]),
      bytes: new Uint8Array([2]),
    }
    expectExact(store.get('a'), expected)
    const paths = (await collect(store.history('a', { from: 2 }))).map(event =>
      event.changes.map(change => change.path),
    )
    expect(paths).toEqual([['/date'], ['/map'], ['/set'], ['/bytes']])
    expectExact((await reopen(store)).get('a'), expected)
  })

  test('of a state with every type, objects without a prototype included, leaves the rest exactly as it was', async () => {
    const store = await create<Record<string, unknown>>()
    await store.save('a', everything())
    await store.edit('a', draft => {
      draft.zebra = 2
      ;(draft.bare as { no: string }).no = 'changed'
    })
    const expected = everything()
    expected.zebra = 2
    ;(expected.bare as { no: string }).no = 'changed'
    expectExact(store.get('a'), expected)
    const [, event] = await collect(store.history('a'))
    expect(event!.changes.map(change => change.path)).toEqual(['/zebra', '/bare/no'])
    expectExact((await reopen(store)).get('a'), expected)
  })

  test('of a recipe that keeps the draft does not let it reach the cache afterwards', async () => {
    const store = await create<{ inner: { n: number }; date: Date }>()
    await store.save('a', { inner: { n: 1 }, date: new Date(1) })
    let kept: { inner: { n: number }; date: Date } | undefined
    const added = { n: 3 }
    await store.edit('a', draft => {
      kept = draft
      draft.inner = added
    })
    added.n = 99
    expect(() => {
      kept!.inner.n = 99
    }).toThrow(TypeError)
    expect(store.get('a')).toEqual({ inner: { n: 3 }, date: new Date(1) })
  })

  test('of a date held by a kept draft does not reach the cache afterwards', async () => {
    const store = await create<{ date: Date; n: number }>()
    await store.save('a', { date: new Date(1), n: 1 })
    let date: Date | undefined
    await store.edit('a', draft => {
      date = draft.date
      draft.n = 2
    })
    date!.setTime(99)
    expect(store.get('a')).toEqual({ date: new Date(1), n: 2 })
  })

  test('of an absent session is refused, also of a deleted one', async () => {
    const store = await create<Cart>()
    expect(await codeOf(() => store.edit('a', () => {}))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    await store.save('a', cart())
    await store.delete('a')
    expect(await codeOf(() => store.edit('a', () => {}))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    expect(store.version('a')).toBe(2)
  })

  test('whose recipe throws rejects with what was thrown and changes nothing', async () => {
    const store = await create<Cart>()
    await store.save('a', cart())
    const thrown = new Error('no')
    const failure = await failureOf(() =>
      store.edit('a', draft => {
        draft.note = 'changed'
        throw thrown
      }),
    )
    expect(failure).toBe(thrown)
    expect(store.get('a')).toEqual(cart())
    expect(store.version('a')).toBe(1)
  })

  test('refuses an asynchronous recipe, whose own failure does not get lost in the process', async () => {
    const store = await create<Cart>()
    await store.save('a', cart())
    const recipe = (async () => {
      throw new Error('later')
    }) as never
    expect(await failureOf(() => store.edit('a', recipe))).toMatchObject({
      name: 'SessionlogTypeError',
      code: 'SESSIONLOG_INVALID_ARGUMENT',
      path: 'edit',
    })
    expect(store.version('a')).toBe(1)
  })

  test('refuses a draft that now holds what cannot be stored, with its path', async () => {
    const store = await create<{ list: unknown[] }>()
    await store.save('a', { list: [1] })
    const failure = await failureOf(() =>
      store.edit('a', draft => {
        draft.list.push({ fn: () => {} })
      }),
    )
    expect(failure).toMatchObject({ code: 'SESSIONLOG_INVALID_STATE', path: '/list/1/fn' })
    expect(store.get('a')).toEqual({ list: [1] })
  })

  test('whose recipe saves the same session conflicts with that save', async () => {
    const store = await create<{ n: number }>()
    await store.save('a', { n: 1 })
    const failure = await failureOf(() =>
      store.edit('a', draft => {
        store.save('a', { n: 10 })
        draft.n = 2
      }),
    )
    expect(failure).toMatchObject({ code: 'SESSIONLOG_VERSION_CONFLICT', expected: 1, actual: 2 })
    expect(store.get('a')).toEqual({ n: 10 })
  })

  test('whose recipe saves another session comes after that save', async () => {
    const store = await create<{ n: number }>()
    await store.save('a', { n: 1 })
    const receipt = await store.edit('a', draft => {
      store.save('b', { n: 10 })
      draft.n = 2
    })
    expect(receipt).toMatchObject({ version: 2, position: 3 })
  })
})

describe('What a recipe answers with', () => {
  test('may hold parts of the draft', async () => {
    const store = await create<{ first: { n: number }; second?: { n: number } }>()
    await store.save('a', { first: { n: 1 } })
    await store.edit('a', draft => ({ first: { n: 2 }, second: draft.first }))
    expect(store.get('a')).toEqual({ first: { n: 2 }, second: { n: 1 } })
  })

  test('may be a part of the draft, or the draft', async () => {
    const store = await create<unknown>()
    await store.save('a', { inner: { n: 1 } })
    await store.edit('a', draft => draft)
    expect(store.get('a')).toEqual({ inner: { n: 1 } })
    await store.edit('a', draft => (draft as { inner: unknown }).inner)
    expect(store.get('a')).toEqual({ n: 1 })
  })

  test('may be null, whatever the state was', async () => {
    const store = await create<unknown>()
    for (const state of [1, { n: 1 }]) {
      await store.save('a', state)
      await store.edit('a', () => null)
      expect(store.get('a')).toBeNull()
    }
  })

  test('is refused with a path where it holds itself', async () => {
    const store = await create<unknown>()
    await store.save('a', {})
    const answer: Record<string, unknown> = {}
    answer.list = [answer]
    expect(await failureOf(() => store.edit('a', () => answer))).toMatchObject({
      code: 'SESSIONLOG_INVALID_STATE',
      path: '/list/0',
    })
  })

  test('is not commented on at the console', async () => {
    const warn = vi.spyOn(console, 'warn')
    onTestFinished(() => warn.mockRestore())
    const store = await create<unknown>()
    await store.save('a', { inner: { n: 1 } })
    await store.edit('a', () => ({ n: 2 }))
    await store.edit('a', draft => ({ old: draft }))
    await store.edit('a', () => new Map())
    expect(warn).not.toHaveBeenCalled()
  })
})

test('a recipe may read what is null, and what is not there', async () => {
  const store = await create<{ n: number; none: null; sum?: number }>()
  await store.save('a', { n: 1, none: null })
  await store.edit('a', draft => {
    draft.sum = (draft.sum ?? 0) + (draft.none ?? draft.n)
  })
  expect(store.get('a')).toEqual({ n: 1, none: null, sum: 1 })
})
