import assert from 'node:assert/strict'
import { type Rule, session } from './subject.ts'

/** How sessions end, and that they are counted. */
export const endRules: readonly Rule[] = [
  [
    'destroy() ends a session, and no other',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      await subject.set('b', session({ n: 2 }))
      await subject.destroy('a')
      assert.equal(await subject.get('a'), undefined)
      assert.deepEqual(await subject.body('b'), { n: 2 })
    },
  ],
  [
    'destroy() of what is not there is no error, once and again',
    async subject => {
      await subject.destroy('nobody')
      await subject.set('a', session({ n: 1 }))
      await subject.destroy('a')
      await subject.destroy('a')
      assert.equal(await subject.get('a'), undefined)
    },
  ],
  [
    'all() has every session, length() says how many',
    async subject => {
      subject.needs('all', 'length')
      for (const id of ['a', 'b', 'c']) await subject.set(id, session({ id }))
      await subject.destroy('b')
      const all = Object.values((await subject.call('all')) as object)
      assert.deepEqual(all.map(each => each.cookie.path).sort(), ['/', '/'])
      assert.equal(await subject.call('length'), 2)
    },
  ],
  [
    'all() never hands out the same object twice',
    async subject => {
      subject.needs('all')
      await subject.set('a', session({ list: [1] }))
      for (const each of Object.values((await subject.call('all')) as object)) each.list = 'mine'
      assert.deepEqual(await subject.body('a'), { list: [1] })
    },
  ],
  [
    'clear() ends all sessions; it is no error where there are none',
    async subject => {
      subject.needs('clear')
      await subject.call('clear')
      for (const id of ['a', 'b', 'c']) await subject.set(id, session({ id }))
      await subject.call('clear')
      assert.deepEqual([await subject.get('a'), await subject.get('c')], [undefined, undefined])
      if (typeof subject.store.length === 'function') assert.equal(await subject.call('length'), 0)
      await subject.set('d', session({ id: 'd' }))
      assert.deepEqual(await subject.body('d'), { id: 'd' })
    },
  ],
]
