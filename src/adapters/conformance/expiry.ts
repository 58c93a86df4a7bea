import assert from 'node:assert/strict'
import { asLoaded, bodyOf, expiresOf, past, type Rule, session } from './subject.ts'

const HOUR_MS = 3_600_000

/** Expiries: what has expired is not there, and touch() moves nothing else. */
export const expiryRules: readonly Rule[] = [
  [
    'an expired session is not there, for get() as for touch()',
    async subject => {
      await subject.set('a', session({ n: 1 }, 150))
      await past(150)
      assert.equal(await subject.get('a'), undefined)
      if (typeof subject.store.touch === 'function') await subject.touch('a', session({ n: 1 }))
      assert.equal(await subject.get('a'), undefined)
    },
  ],
  [
    'a session that had expired when it was set is not there',
    async subject => {
      await subject.set('a', session({ n: 1 }, -1000))
      assert.equal(await subject.get('a'), undefined)
    },
  ],
  [
    'length() does not count the expired',
    async subject => {
      subject.needs('length')
      await subject.set('a', session({ n: 1 }, 150))
      await subject.set('b', session({ n: 2 }))
      await past(150)
      assert.equal(await subject.call('length'), 1)
    },
  ],
  [
    'all() does not have the expired',
    async subject => {
      subject.needs('all')
      await subject.set('a', session({ n: 1 }, 150))
      await subject.set('b', session({ n: 2 }))
      await past(150)
      assert.equal(await subject.count(), 1)
    },
  ],
  [
    'a session that had expired can be set again',
    async subject => {
      await subject.set('a', session({ n: 1 }, 150))
      await past(150)
      await subject.set('a', session({ n: 2 }))
      assert.deepEqual(await subject.body('a'), { n: 2 })
    },
  ],
  [
    'touch() moves the expiry, onwards and back',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      for (const ms of [HOUR_MS, 10_000]) {
        const touched = session({ n: 1 }, ms)
        await subject.touch('a', touched)
        assert.equal(expiresOf(await subject.get('a')), (touched.cookie.expires as Date).getTime())
      }
    },
  ],
  [
    'touch() keeps a session alive that would have expired',
    async subject => {
      await subject.set('a', session({ n: 1 }, 1000))
      await subject.touch('a', session({ n: 1 }))
      await past(1000)
      assert.deepEqual(await subject.body('a'), { n: 1 })
    },
  ],
  [
    'touch() changes nothing but the expiry',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      await subject.touch('a', session({ n: 'not this', more: true }, HOUR_MS))
      const found = asLoaded(await subject.get('a'))
      assert.deepEqual([bodyOf(found), found.cookie.path, found.cookie.httpOnly], [{ n: 1 }, '/', true])
    },
  ],
  [
    'touch() never makes a session',
    async subject => {
      await subject.touch('nobody', session({ n: 1 }))
      assert.equal(await subject.get('nobody'), undefined)
    },
  ],
  [
    'touch() does not bring back what was destroyed',
    async subject => {
      subject.needs('touch')
      await subject.set('a', session({ n: 1 }))
      const found = await subject.get('a')
      await subject.destroy('a')
      await subject.touch('a', found)
      assert.equal(await subject.get('a'), undefined)
    },
  ],
]
