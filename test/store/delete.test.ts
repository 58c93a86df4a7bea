import { describe, expect, test } from 'vitest'
import { collect } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'

describe('delete()', () => {
  test('ends the state at once and keeps the history', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const deleted = store.delete('a', { actor: 'ann' })
    expect(store.get('a')).toBeUndefined()
    expect(store.has('a')).toBe(false)
    expect([...store.ids()]).toEqual([])
    expect(store.size).toBe(0)
    expect(store.version('a')).toBe(2)
    expect(await deleted).toMatchObject({ sessionId: 'a', version: 2, position: 2 })
    const events = await collect(store.history('a'))
    expect(events.map(event => event.type)).toEqual(['saved', 'deleted'])
    expect(events[1]).toMatchObject({ actor: 'ann', changes: [{ op: 'remove', path: '' }] })
    expect(await store.stateAt('a', { version: 1 })).toBe(1)
    expect(await store.stateAt('a', { version: 2 })).toBeUndefined()
  })

  test('answers with undefined and writes nothing where nothing is there', async () => {
    const store = await create<number>()
    expect(await store.delete('a')).toBeUndefined()
    expect(store.version('a')).toBe(0)
    await store.save('a', 1)
    await store.delete('a')
    expect(await store.delete('a')).toBeUndefined()
    expect(store.version('a')).toBe(2)
    expect(await collect(store.events())).toHaveLength(2)
  })

  test('does not let versions start again, not after a restart and a compaction either', async () => {
    let store = await create<number>()
    await store.save('a', 1)
    await store.delete('a')
    expect(await store.save('a', 3)).toMatchObject({ version: 3 })
    await store.delete('a')
    for (const options of [{}, { rebuild: true }]) {
      await store.compact()
      store = await reopen(store, options)
      expect(store.version('a')).toBe(4)
      expect(store.has('a')).toBe(false)
      expect(store.size).toBe(0)
    }
    expect(await store.save('a', 5)).toMatchObject({ version: 5 })
    expect((await collect(store.history('a'))).map(event => event.version)).toEqual([1, 2, 3, 4, 5])
  })

  test('takes a type and data of its own', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    await store.delete('a', { type: 'cart-abandoned', data: { after: 3 }, reason: 'timeout' })
    const [, event] = await collect(store.history('a'))
    expect(event).toMatchObject({ type: 'cart-abandoned', data: { after: 3 }, reason: 'timeout' })
  })
})
