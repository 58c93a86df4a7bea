import assert from 'node:assert/strict'
import { asLoaded, bodyOf, type Rule, session } from './subject.ts'

/** What goes in comes out. */
export const valueRules: readonly Rule[] = [
  [
    'get() of an unknown id answers with nothing, and no error',
    async subject => assert.equal(await subject.get('nobody'), undefined),
  ],
  [
    'set() keeps a session: its values, its nesting, its cookie',
    async subject => {
      const body = {
        user: { name: 'Ada', roles: ['admin', 'author'] },
        count: 0,
        empty: '',
        none: null,
        on: false,
      }
      const given = session(body)
      await subject.set('a', given)
      const found = asLoaded(await subject.get('a'))
      assert.deepEqual(bodyOf(found), body)
      const { originalMaxAge, path, httpOnly } = found.cookie
      assert.deepEqual([originalMaxAge, path, httpOnly], [given.cookie.originalMaxAge, '/', true])
      assert.equal(
        new Date(found.cookie.expires as string).getTime(),
        (given.cookie.expires as Date).getTime(),
      )
    },
  ],
  [
    'a session whose cookie lives as long as the browser gets no expiry of its own',
    async subject => {
      await subject.set('a', session({ n: 1 }, null))
      assert.equal(asLoaded(await subject.get('a')).cookie.expires ?? null, null)
    },
  ],
  [
    'set() replaces a session as a whole',
    async subject => {
      await subject.set('a', session({ one: 1, list: [1, 2, 3] }))
      await subject.set('a', session({ two: 2, list: [] }))
      assert.deepEqual(await subject.body('a'), { two: 2, list: [] })
    },
  ],
  [
    'set() takes the session as it is at the call',
    async subject => {
      const given = session({ list: [1] })
      const done = subject.set('a', given)
      given.list = 'changed'
      given.cookie.path = '/changed'
      await done
      const found = asLoaded(await subject.get('a'))
      assert.deepEqual([bodyOf(found), found.cookie.path], [{ list: [1] }, '/'])
    },
  ],
  [
    'set() leaves the session that it is given alone',
    async subject => {
      const given = session({ list: [1] })
      const before = JSON.stringify(given)
      await subject.set('a', given)
      assert.equal(JSON.stringify(given), before)
    },
  ],
  [
    'get() never hands out the same object twice',
    async subject => {
      await subject.set('a', session({ deep: { list: [1] } }))
      const one = asLoaded(await subject.get('a'))
      ;(one.deep as { list: unknown[] }).list.push('mine')
      one.cookie.path = '/mine'
      one.mine = true
      const other = asLoaded(await subject.get('a'))
      assert.deepEqual([bodyOf(other), other.cookie.path], [{ deep: { list: [1] } }, '/'])
    },
  ],
  [
    'a session is what JSON makes of it: a Date is a text, undefined is left out, toJSON() is asked',
    async subject => {
      const given = session({ at: new Date(0), none: undefined, own: { toJSON: () => 'told' } })
      await subject.set('a', given)
      assert.deepEqual(await subject.body('a'), { at: '1970-01-01T00:00:00.000Z', own: 'told' })
    },
  ],
  [
    'what JSON cannot say is an error, and changes nothing',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      await assert.rejects(subject.set('a', session({ n: 2n })))
      assert.deepEqual(await subject.body('a'), { n: 1 })
    },
  ],
  [
    'any text is kept: quotes, emoji, a lone surrogate, a NUL, keys such as __proto__',
    async subject => {
      const body = JSON.parse(
        '{"__proto__":{"admin":true},"constructor":1,"q":"\'\\"`;--","e":"👩‍🚀","$":"$1"}',
      )
      body.nul = 'a\0b'
      body.lone = '\ud800'
      await subject.set('a', session({}))
      await subject.set('a', Object.defineProperties(session({}), Object.getOwnPropertyDescriptors(body)))
      const found = asLoaded(await subject.get('a'))
      assert.equal(JSON.stringify(bodyOf(found)), JSON.stringify(body))
      assert.equal(found.admin, undefined)
    },
  ],
  [
    'a session of a million characters is kept',
    async subject => {
      const text = 'x'.repeat(1_000_000)
      await subject.set('a', session({ text }))
      assert.equal((await subject.body('a'))?.text, text)
    },
  ],
  [
    'a session lasts over a restart',
    async subject => {
      const given = session({ n: 1 })
      await subject.set('a', given)
      await subject.set('b', session({ n: 2 }))
      await subject.destroy('b')
      await subject.reopen()
      const found = asLoaded(await subject.get('a'))
      assert.deepEqual([bodyOf(found), await subject.get('b')], [{ n: 1 }, undefined])
      assert.equal(
        new Date(found.cookie.expires as string).getTime(),
        (given.cookie.expires as Date).getTime(),
      )
    },
  ],
]
