import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf, collect } from '../support/outcome.ts'
import { create, reopen, TestClock } from '../support/store.ts'

interface Item {
  sku: string
  qty: number
}
interface Cart {
  items: Item[]
  note?: string
  discount?: number
}

const actors = (blames: readonly { actor?: unknown }[]) => blames.map(each => each.actor)

describe('blame() of a value', () => {
  test('lists the events that changed it, oldest first, with actor, reason, time, before and after', async () => {
    const clock = new TestClock()
    let store = await create<Cart>({ clock: clock.read })
    await store.save('cart', { items: [], discount: 5 }, { actor: 'ann', reason: 'welcome' })
    clock.now += 10
    await store.save('cart', { items: [{ sku: 'tea', qty: 1 }], discount: 5 }, { actor: 'bob' })
    await store.edit('cart', draft => void delete draft.discount, { actor: 'cid' })
    await store.compact()
    await store.edit(
      'cart',
      draft => {
        draft.discount = 7
      },
      { actor: 'dan' },
    )
    store = await reopen(store)
    expect(await collect(store.blame('cart', '/discount'))).toEqual([
      {
        version: 1,
        actor: 'ann',
        reason: 'welcome',
        time: clock.now - 10,
        path: ['discount'],
        before: undefined,
        after: 5,
      },
      { version: 3, actor: 'cid', time: clock.now, path: ['discount'], before: 5, after: undefined },
      { version: 4, actor: 'dan', time: clock.now, path: ['discount'], before: undefined, after: 7 },
    ])
    expect(actors(await collect(store.blame('cart', '/discount', { version: 3 })))).toEqual(['ann', 'cid'])
    expect(await collect(store.blame('cart', '/nothing/here'))).toEqual([])
    expect(await codeOf(() => collect(store.blame('cart', 'discount')))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(await collect(store.blame('nobody', '/discount'))).toEqual([])
  })

  test('follows an element to where it lay before others came or went in front of it', async () => {
    const store = await create<Cart>()
    await store.save('cart', { items: [{ sku: 'tea', qty: 1 }] }, { actor: 'first' })
    await store.edit('cart', draft => void draft.items.push({ sku: 'milk', qty: 1 }), { actor: 'adds milk' })
    await store.edit('cart', draft => void draft.items.unshift({ sku: 'jam', qty: 1 }), { actor: 'adds jam' })
    await store.edit(
      'cart',
      draft => {
        draft.items[2]!.qty = 4
      },
      { actor: 'more milk' },
    )
    await store.edit('cart', draft => void draft.items.splice(0, 2), { actor: 'jam and tea go' })
    await store.edit(
      'cart',
      draft => {
        draft.items[0]!.qty = 5
      },
      { actor: 'still more' },
    )
    const milk = await collect(store.blame('cart', '/items/0/qty'))
    expect(milk.map(({ actor, path, before, after }) => [actor, path.join('/'), before, after])).toEqual([
      ['adds milk', 'items/1/qty', undefined, 1],
      ['more milk', 'items/2/qty', 1, 4],
      ['still more', 'items/0/qty', 4, 5],
    ])
    expect(actors(await collect(store.blame('cart', '/items/0/sku')))).toEqual(['adds milk'])
  })

  test('passes over events that wrote the same again', async () => {
    const store = await create<Cart>()
    await store.save('cart', { items: [], note: 'x' }, { actor: 'first' })
    await store.delete('cart', { actor: 'deletes' })
    await store.save('cart', { items: [], note: 'x' }, { actor: 'again' })
    await store.save('cart', { note: 'x', items: [{ sku: 'a', qty: 1 }] }, { actor: 'turns keys' })
    expect(actors(await collect(store.blame('cart', '/note')))).toEqual(['first', 'deletes', 'again'])
  })

  test('hands out what nobody can change the log by', async () => {
    const store = await create<{ when: Date }>()
    await store.save('a', { when: new Date(1) })
    await store.save('a', { when: new Date(2) })
    const [, last] = await collect(store.blame('a', '/when'))
    ;(last!.after as Date).setTime(99)
    expect((await collect(store.blame('a', '/when')))[1]!.after).toEqual(new Date(2))
    expect(store.get('a')).toEqual({ when: new Date(2) })
  })
})

describe('blame() of a state', () => {
  test('says of each leaf which event set it last', async () => {
    const store = await create<Cart>()
    await store.save('cart', { items: [{ sku: 'tea', qty: 1 }], note: '' }, { actor: 'first' })
    await store.edit('cart', draft => void draft.items.unshift({ sku: 'jam', qty: 2 }), { actor: 'jam' })
    await store.edit(
      'cart',
      draft => {
        draft.items[1]!.qty = 3
      },
      { actor: 'more tea' },
    )
    await store.edit(
      'cart',
      draft => {
        draft.discount = 1
      },
      { actor: 'discount' },
    )
    const all = await store.blame('cart')
    expect([...all].map(([pointer, { actor }]) => [pointer, actor])).toEqual([
      ['/items/0/sku', 'jam'],
      ['/items/0/qty', 'jam'],
      ['/items/1/sku', 'first'],
      ['/items/1/qty', 'more tea'],
      ['/note', 'first'],
      ['/discount', 'discount'],
    ])
    expect((await store.blame('cart', undefined, { version: 1 })).size).toBe(3)
    await store.delete('cart')
    expect(await store.blame('cart')).toEqual(new Map())
  })

  test('agrees with the blame of each value, whatever was edited', async () => {
    const leaf = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('a', 'b', 'ab'))
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('x', 'y', 'z', 'a/b~'), tie('any'), { maxKeys: 3 }),
      ),
    })).any
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 8 }), async states => {
        const store = await create<unknown>()
        for (const state of states) await store.save('a', state)
        const all = await store.blame('a')
        for (const [pointer, { version }] of all) {
          const blames = await collect(store.blame('a', pointer))
          expect(blames.at(-1)?.version, pointer).toBe(version)
        }
        await store.close()
      }),
      { numRuns: 150 },
    )
  })
})
