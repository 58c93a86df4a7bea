import assert from 'node:assert/strict'
import { asLoaded, bodyOf, expiresOf, pastShort, type Rule, SHORT_MS, session } from './subject.ts'

const HOUR_MS = 3_600_000

/** Expiries: what has expired is not there, and touch() moves nothing else. */
export const expiryRules: readonly Rule[] = [
  [
    'an expired session is not there, for get() as for touch()',
    async subject => {
      await subject.set('a', session({ n: 1 }, SHORT_MS))
      await pastShort()
      assert.equal(await subject.get('a'), undefined)
      if (typeof subject.store.touch === 'function')
        await subject.touch('a', session({ n: 1 })).catch(() => {})
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
      await subject.set('a', session({ n: 1 }, SHORT_MS))
      await subject.set('b', session({ n: 2 }))
      await pastShort()
      assert.equal(await subject.call('length'), 1)
    },
  ],
  [
    'all() does not have the expired',
    async subject => {
      subject.needs('all')
      await subject.set('a', session({ n: 1 }, SHORT_MS))
      await subject.set('b', session({ n: 2 }))
      await pastShort()
      assert.equal(await subject.count(), 1)
    },
  ],
  [
    'a session that had expired can be set again',
    async subject => {
      await subject.set('a', session({ n: 1 }, SHORT_MS))
      await pastShort()
      await subject.set('a', session({ n: 2 }))
      assert.deepEqual(await subject.body('a'), { n: 2 })
    },
  ],
  [
    'touch() moves the expiry back, too',
    async subject => {
      await subject.set('a', session({ n: 1 }, HOUR_MS))
      await subject.touch('a', session({ n: 1 }, SHORT_MS))
      await pastShort()
      assert.equal(await subject.get('a'), undefined)
    },
  ],
  [
    'after a touch() the cookie that get() answers with ends when the session does',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      const touched = session({ n: 1 }, HOUR_MS)
      await subject.touch('a', touched)
      assert.equal(expiresOf(await subject.get('a')), (touched.cookie.expires as Date).getTime())
    },
  ],
  [
    'touch() keeps a session alive that would have expired',
    async subject => {
      await subject.set('a', session({ n: 1 }, SHORT_MS))
      await subject.touch('a', session({ n: 1 }))
      await pastShort()
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
      subject.needs('touch')
      await subject.touch('nobody', session({ n: 1 })).catch(() => {})
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
      await subject.touch('a', found).catch(() => {})
      assert.equal(await subject.get('a'), undefined)
    },
  ],
]
