import { describe, expect, test } from 'vitest'
import { create, reopen } from '../support/store.ts'

describe('get(), has(), version(), ids() and size', () => {
  test('say of what is absent that it is, without an error', async () => {
    const store = await create()
    expect(store.get('nobody')).toBeUndefined()
    expect(store.has('nobody')).toBe(false)
    expect(store.version('nobody')).toBe(0)
    expect([...store.ids()]).toEqual([])
    expect(store.size).toBe(0)
  })

  test('count only sessions that have a state', async () => {
    const store = await create<number>()
    store.save('a', 1)
    store.save('b', 1)
    store.delete('a')
    store.delete('a')
    store.save('c', 1)
    expect([...store.ids()].sort()).toEqual(['b', 'c'])
    expect(store.size).toBe(2)
    const reopened = await reopen(store)
    expect([...reopened.ids()].sort()).toEqual(['b', 'c'])
    expect(reopened.size).toBe(2)
  })

  test('hand out the state itself, at no cost', async () => {
    const store = await create()
    await store.save('a', { deep: { er: [1] } })
    expect(store.get('a')).toBe(store.get('a'))
    expect(Object.isFrozen(store.get('a'))).toBe(true)
  })

  test('are not fooled by names that every object has', async () => {
    const store = await create<number>()
    for (const id of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(store.has(id)).toBe(false)
      await store.save(id, 1)
      expect(store.get(id)).toBe(1)
    }
    expect((await reopen(store)).size).toBe(4)
  })

  test('can be used while ids() is being walked', async () => {
    const store = await create<number>()
    for (let n = 0; n < 100; n++) store.save(`s${n}`, n)
    for (const id of store.ids()) store.delete(id)
    expect(store.size).toBe(0)
  })
})
