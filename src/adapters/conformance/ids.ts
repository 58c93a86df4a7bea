import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Rule, session } from './subject.ts'

/** Ids as a forged cookie or a careless `genid` may give them. */
const ODD = [
  '../escaped',
  '../../escaped',
  '..\\escaped',
  '/tmp/escaped',
  '.',
  '..',
  'a/b',
  'con',
  'aux.json',
  'a:b',
  'a*?"<>|b',
  'a%2fb',
  ' ',
  'A',
  'ü',
  '😀',
  '__proto__',
  'constructor',
  'toString',
  "';DROP TABLE sessions;--",
  'x'.repeat(200),
]

export const idRules: readonly Rule[] = [
  [
    'every id names a session of its own, odd ones too',
    async subject => {
      for (const [index, id] of ODD.entries()) {
        assert.equal(await subject.get(id), undefined, `${id} was there`)
        await subject.set(id, session({ index }))
      }
      await subject.set('a', session({ index: 'a' }))
      for (const [index, id] of ODD.entries()) assert.deepEqual(await subject.body(id), { index }, id)
      for (const id of ODD) await subject.destroy(id)
      for (const id of ODD) assert.equal(await subject.get(id), undefined, id)
      assert.deepEqual(await subject.body('a'), { index: 'a' })
    },
  ],
  [
    'no id gets out of the directory of the store',
    async subject => {
      const { directory } = subject
      const outside = () => readdirSync(dirname(directory)).filter(name => name.includes('escaped'))
      for (const id of ODD) await subject.set(id, session({ id })).catch(() => {})
      for (const id of ODD) await subject.get(id).catch(() => {})
      for (const id of ODD) await subject.destroy(id).catch(() => {})
      await subject.set('../escaped', session({})).catch(() => {})
      assert.deepEqual(outside(), [])
    },
  ],
  [
    'get() of an id that cannot be is answered with nothing, and so is destroy()',
    async subject => {
      for (const id of ['', 'x'.repeat(5000), '\ud800']) {
        assert.equal(await subject.get(id), undefined)
        await subject.destroy(id)
      }
    },
  ],
]
