import assert from 'node:assert/strict'
import { asLoaded, type Rule, session } from './subject.ts'

const HOUR_MS = 3_600_000
const MANY = 100

/** Two requests at once. */
export const raceRules: readonly Rule[] = [
  [
    'a touch() that races a set() loses no update, whichever comes first',
    async subject => {
      subject.needs('touch')
      for (const touchFirst of [true, false]) {
        await subject.set('a', session({ n: 1 }))
        const old = asLoaded(await subject.get('a'))
        const edit = () => subject.set('a', session({ n: 2 }))
        const touch = () => subject.touch('a', { ...old, cookie: session({}, HOUR_MS).cookie })
        await Promise.all(touchFirst ? [touch(), edit()] : [edit(), touch()])
        assert.deepEqual(await subject.body('a'), { n: 2 })
      }
    },
  ],
  [
    'a touch() by a request that began before an edit leaves the edit alone',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      const old = asLoaded(await subject.get('a'))
      await subject.set('a', session({ n: 2 }))
      const { cookie } = session({}, HOUR_MS)
      await subject.touch('a', { ...old, cookie })
      assert.deepEqual(await subject.body('a'), { n: 2 })
    },
  ],
  [
    'a set() that is under way when its session is destroyed does not bring it back',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      await Promise.all([subject.set('a', session({ n: 2 })), subject.destroy('a')])
      assert.equal(await subject.get('a'), undefined)
    },
  ],
  [
    'a set() by a request that began before a destroy() does not bring the session back',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      const loaded = asLoaded(await subject.get('a'))
      await subject.destroy('a')
      loaded.n = 2
      await subject.set('a', loaded)
      assert.equal(await subject.get('a'), undefined)
      if (typeof subject.store.all === 'function') assert.equal(await subject.count(), 0)
    },
  ],
  [
    'a set() that began before a clear() does not bring the session back',
    async subject => {
      subject.needs('clear')
      await subject.set('a', session({ n: 1 }))
      const loaded = asLoaded(await subject.get('a'))
      await subject.call('clear')
      loaded.n = 2
      await subject.set('a', loaded)
      assert.equal(await subject.get('a'), undefined)
    },
  ],
  [
    'a request that changed nothing does not undo what another one changed meanwhile',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      const view = asLoaded(await subject.get('a'))
      const edit = asLoaded(await subject.get('a'))
      edit.n = 2
      await subject.set('a', edit)
      await subject.set('a', view)
      assert.deepEqual(await subject.body('a'), { n: 2 })
    },
  ],
  [
    'of two edits of the same session one is what stays, whole',
    async subject => {
      await subject.set('a', session({}))
      const one = { by: 'one', list: Array.from({ length: 50 }, () => 'one') }
      const two = { by: 'two', list: Array.from({ length: 50 }, () => 'two') }
      await Promise.all([subject.set('a', session(one)), subject.set('a', session(two))])
      const body = await subject.body('a')
      assert.deepEqual(body, body?.by === 'one' ? one : two)
    },
  ],
  [
    `${MANY} edits of one session, none of them waited for: all are answered, the last call is what stays`,
    async subject => {
      const edits = Array.from({ length: MANY }, (_, n) => subject.set('a', session({ n })))
      await Promise.all(edits)
      assert.deepEqual(await subject.body('a'), { n: MANY - 1 })
    },
  ],
  [
    `${MANY} sessions at once: each is what it was made`,
    async subject => {
      const ids = Array.from({ length: MANY }, (_, n) => `s${n}`)
      await Promise.all(ids.map(id => subject.set(id, session({ id }))))
      const bodies = await Promise.all(ids.map(id => subject.body(id)))
      assert.deepEqual(
        bodies,
        ids.map(id => ({ id })),
      )
    },
  ],
  [
    'a session is read whole while it is being written',
    async subject => {
      const whole = (n: number) => session({ n, text: String(n).repeat(50_000) })
      await subject.set('a', whole(0))
      const reads: Promise<Record<string, unknown> | undefined>[] = []
      const writes: Promise<void>[] = []
      for (let n = 1; n < 10; n++) {
        writes.push(subject.set('a', whole(n)))
        reads.push(subject.body('a'))
      }
      await Promise.all(writes)
      for (const body of await Promise.all(reads)) assert.equal(body?.text, String(body?.n).repeat(50_000))
    },
  ],
]
