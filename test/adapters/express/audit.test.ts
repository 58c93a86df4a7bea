/** What the log holds of sessions: each edit, by whom; no view; each end; and what came too late. */
import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { createExpressStore, type ExpressStoreOptions } from '../../../src/adapters/express.ts'
import { createKoaStore } from '../../../src/adapters/koa.ts'
import { ObservedLevel } from '../../support/observed-level.ts'
import { codeOf, collect } from '../../support/outcome.ts'
import { create, reopen, TestClock } from '../../support/store.ts'

// biome-ignore lint/suspicious/noExplicitAny: whatever a test puts there.
type Session = Record<string, any>

/** A store of sessions, by promises. */
async function sessions(options: Partial<ExpressStoreOptions> = {}, open = {}) {
  const store = options.store ?? (await create(open))
  const express = createExpressStore({ ...options, store })
  const call = <T>(run: (done: (error: unknown, result?: T) => void) => void) =>
    new Promise<T | undefined>((resolve, reject) =>
      run((error, result) => (error ? reject(error) : resolve(result))),
    )
  return {
    store,
    express,
    get: (id: string) => call<Session>(done => express.get(id, done)),
    set: (id: string, session: Session) => call(done => express.set(id, session, done)),
    touch: (id: string, session: Session) => call(done => express.touch(id, session, done)),
    destroy: (id: string) => call(done => express.destroy(id, done)),
    clear: () => call(done => express.clear(done)),
    log: async (id = 'a') =>
      (await collect(store.history(id))).map(({ type, actor, reason }) => [type, actor, reason]),
  }
}

const cookie = (ms = 60_000) => ({ originalMaxAge: ms, expires: new Date(Date.now() + ms), path: '/' })

describe('The log of a session', () => {
  test('has an edit once, and no event of a view, of a moved expiry or of keys in another order', async () => {
    const { set, get, touch, log, store } = await sessions()
    await set('a', { cookie: cookie(), n: 1, m: 2 })
    for (let view = 1; view <= 10; view++) {
      const expires = new Date(Date.now() + 60_000 + view)
      await set('a', { m: 2, n: 1, cookie: { ...cookie(), expires } })
      expect(new Date((await get('a'))!.cookie.expires)).toEqual(expires)
      await touch('a', { cookie: cookie(120_000 + view) })
    }
    await set('a', { cookie: cookie(), n: 2, m: 2 })
    const [, edit] = await collect(store.history('a'))
    expect(edit!.changes).toEqual([{ op: 'replace', path: '/n', value: 2 }])
    expect(await log()).toEqual([
      ['saved', undefined, undefined],
      ['saved', undefined, undefined],
    ])
  })

  test('has a new maximal age of the cookie as what it is, and no drift of it by the clock', async () => {
    const { set, get, log } = await sessions()
    await set('a', { cookie: cookie(), n: 1 })
    await set('a', { cookie: { ...cookie(), originalMaxAge: 59_998 }, n: 1 })
    await set('a', { cookie: cookie(90_000), n: 1 })
    expect((await get('a'))!.cookie).toMatchObject({ originalMaxAge: 90_000 })
    expect((await log()).map(([type]) => type)).toEqual(['saved', 'cookie_changed'])
  })

  test('names who is logged in, and at a logout who was', async () => {
    const { set, destroy, log } = await sessions({ actor: session => session.user?.name })
    await set('a', { cookie: cookie() })
    await set('a', { cookie: cookie(), user: { name: 'ada' } })
    await set('a', { cookie: cookie(), bye: true })
    await set('a', { cookie: cookie(), user: { name: 'bob' } })
    await destroy('a')
    expect((await log()).map(([, actor]) => actor)).toEqual([undefined, 'ada', 'ada', 'bob', 'bob'])
  })

  test('may have one actor for all, and an error of the function that names them is the answer', async () => {
    const one = await sessions({ actor: { id: 'shop', type: 'service' } })
    await one.set('a', { cookie: cookie() })
    expect(await one.log()).toEqual([['saved', { id: 'shop', type: 'service' }, undefined]])
    const bad = await sessions({ actor: session => session.user.name })
    await expect(bad.set('a', { cookie: cookie() })).rejects.toThrow(TypeError)
    expect(bad.store.version('a')).toBe(0)
  })

  test('has a write that came after the end, by whom, without the session being back for a moment', async () => {
    const { set, get, destroy, log, store } = await sessions({ actor: session => session.user })
    await set('a', { cookie: cookie(), user: 'ada' })
    const loaded = (await get('a'))!
    await destroy('a')
    const seen: unknown[] = []
    loaded.late = true
    // Whoever watches is told of both events, when both have happened.
    store.watch('a').subscribe(() => seen.push(store.has('a')))
    const late = set('a', loaded)
    seen.push(store.has('a'))
    await late
    seen.push(store.has('a'), store.size)
    expect(seen).toEqual([false, false, false, false, false, 0])
    expect(await log()).toEqual([
      ['saved', 'ada', undefined],
      ['deleted', 'ada', undefined],
      ['arrived_late', 'ada', undefined],
      ['deleted', 'ada', 'The session had ended before'],
    ])
    expect(await store.stateAt('a', { version: 3 })).toMatchObject({ late: true })
  })

  test('has both of two edits that began on the same version; the last one is what stays', async () => {
    const { set, get, log } = await sessions()
    await set('a', { cookie: cookie(), n: 0 })
    const [one, two] = [(await get('a'))!, (await get('a'))!]
    await Promise.all([set('a', Object.assign(one, { n: 1 })), set('a', Object.assign(two, { n: 2 }))])
    expect([await get('a'), (await log()).length]).toMatchObject([{ n: 2 }, 3])
  })

  test('has what a request undid again of its own', async () => {
    const { set, get, log } = await sessions()
    await set('a', { cookie: cookie(), n: 0 })
    const request = (await get('a'))!
    await set('a', Object.assign(request, { n: 1 }))
    await set('a', Object.assign(request, { n: 0 }))
    expect([await get('a'), (await log()).length]).toMatchObject([{ n: 0 }, 3])
  })

  test('has the end of an expired session, in the background, and of cleared ones', async () => {
    const clock = new TestClock(Date.now())
    const { set, clear, log, store } = await sessions({}, { clock: clock.read })
    await set('a', { cookie: cookie(50) })
    await set('b', { cookie: cookie() })
    const swept = new Promise(resolve => store.commits.subscribe(resolve))
    clock.now += 1_000
    await swept
    expect((await log()).map(([type]) => type)).toEqual(['saved', '$expired'])
    await clear()
    expect(await log('b')).toContainEqual(['deleted', undefined, 'All were cleared'])
  })

  test('a session that expired while a request was at work goes on', async () => {
    const clock = new TestClock(Date.now())
    const { set, get } = await sessions({}, { clock: clock.read })
    await set('a', { cookie: cookie(50), n: 1 })
    const loaded = (await get('a'))!
    clock.now += 100
    await set('a', Object.assign(loaded, { n: 2, cookie: cookie() }))
    expect(await get('a')).toMatchObject({ n: 2 })
  })
})

describe('What happens between a decision and its write', () => {
  test('an end: the edit of a session that was there is late', async () => {
    const { set, get, store, log } = await sessions()
    await set('a', { cookie: cookie(), n: 1 })
    const loaded = (await get('a'))!
    const save = store.save.bind(store)
    vi.spyOn(store, 'save').mockImplementationOnce((...given) => {
      store.delete('a')
      return save(...given)
    })
    await set('a', Object.assign(loaded, { n: 2 }))
    expect(await get('a')).toBeNull()
    expect((await log()).map(([type]) => type)).toEqual(['saved', 'deleted', 'arrived_late', 'deleted'])
  })

  test('a whole life: a session that had not been there is late', async () => {
    const { set, get, store } = await sessions()
    const save = store.save.bind(store)
    vi.spyOn(store, 'save').mockImplementationOnce((...given) => {
      save('a', { n: 'other' })
      store.delete('a')
      return save(...given)
    })
    await set('a', { cookie: cookie(), n: 1 })
    expect(await get('a')).toBeNull()
  })

  test('an end, while the log is asked for one', async () => {
    const { set, get, store } = await sessions()
    await set('a', { cookie: cookie(), n: 1 })
    const loaded = (await get('a'))!
    await set('a', { cookie: cookie(), n: 2 })
    const history = store.history.bind(store)
    vi.spyOn(store, 'history').mockImplementationOnce(async function* (...given) {
      yield* history(...given)
      store.delete('a')
    })
    await set('a', Object.assign(loaded, { n: 3 }))
    expect(await get('a')).toBeNull()
  })

  test('a view leaves what another request changed', async () => {
    const { set, get, log } = await sessions()
    await set('a', { cookie: cookie(), n: 1 })
    const view = (await get('a'))!
    await set('a', { cookie: cookie(), n: 2 })
    await set('a', Object.assign(view, { cookie: cookie() }))
    expect([await get('a'), (await log()).length]).toMatchObject([{ n: 2 }, 2])
  })
})

describe('An id that comes again', () => {
  test('is late where nobody knows who writes, also after a restart', async () => {
    const first = await sessions()
    await first.set('a', { cookie: cookie(), n: 1 })
    await first.destroy('a')
    const { set, get } = await sessions({ store: await reopen(first.store) })
    await set('a', { cookie: cookie(), n: 2 })
    expect(await get('a')).toBeNull()
  })

  test('begins a new session with reuseIds; what the life before left behind stands beside it', async () => {
    const { set, get, destroy, store } = await sessions({ reuseIds: true })
    await set('a', { cookie: cookie(), n: 1 })
    const loaded = (await get('a'))!
    await destroy('a')
    await set('a', { cookie: cookie(), n: 2 })
    await set('a', Object.assign(loaded, { n: 'late' }))
    expect(await get('a')).toMatchObject({ n: 2 })
    expect((await collect(store.history('late:a'))).map(({ type }) => type)).toEqual([
      'arrived_late',
      'deleted',
    ])
  })

  test('may be one that was read, and not there', async () => {
    const { express, set, destroy, get } = await sessions()
    await set('a', { cookie: cookie(), n: 1 })
    await destroy('a')
    const written = new Promise(resolve =>
      express.get('a', () => express.set('a', { cookie: cookie(), n: 2 }, resolve)),
    )
    await written
    expect(await get('a')).toMatchObject({ n: 2 })
  })
})

describe('touchAfter', () => {
  test('leaves an expiry where it is that would move by less', async () => {
    const { set, touch, store } = await sessions({ touchAfter: 10_000 })
    await set('a', { cookie: cookie() })
    const before = store.expiresAt('a')!
    await touch('a', { cookie: { expires: new Date(before + 9_999) } })
    expect(store.expiresAt('a')).toBe(before)
    await touch('a', { cookie: { expires: new Date(before + 10_000) } })
    expect(store.expiresAt('a')).toBe(before + 10_000)
  })
})

test('ttl is the life of a session whose cookie has no expiry', async () => {
  const { set, store, get } = await sessions({ ttl: 5_000 })
  const before = Date.now()
  await set('a', { cookie: { originalMaxAge: null, expires: null } })
  const life = store.expiresAt('a')! - before
  expect(life).toBeGreaterThanOrEqual(5_000)
  expect(life).toBeLessThan(60_000)
  expect((await get('a'))!.cookie).toEqual({ originalMaxAge: null, expires: null })
})

test('what is not durable yet is not acknowledged to a second writer of the same', async () => {
  const db = new ObservedLevel()
  const { set } = await sessions({}, { db })
  const release = db.hold()
  let answered = 0
  const writes = [1, 2].map(() => set('a', { cookie: cookie(), n: 1 }).then(() => answered++))
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  expect(answered).toBe(0)
  release()
  await Promise.all(writes)
})

test('an id that cannot be is refused by set()', async () => {
  const { set } = await sessions()
  for (const id of ['', 'x'.repeat(1025), '\ud800'])
    expect(await codeOf(() => set(id, { cookie: cookie() }))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  expect(await codeOf(() => set('a', undefined as never))).toBe('SESSIONLOG_INVALID_STATE')
})

test('what is recorded and is no session is an error, and stays', async () => {
  const { get, store, touch } = await sessions()
  await store.save('a', [1, 2])
  expect(await codeOf(() => get('a'))).toBe('SESSIONLOG_INVALID_STATE')
  await touch('a', { cookie: cookie() })
  expect(store.get('a')).toEqual([1, 2])
})

test.each([
  ['store', { store: {} }],
  ['ttl', { ttl: 0 }],
  ['touchAfter', { touchAfter: -1 }],
  ['actor', { actor: '' }],
  ['reuseIds', { reuseIds: 1 }],
  ['prefix', { prefix: 'sess:' }],
])('the option %s is checked, in every adapter', async (path, option) => {
  const options = { store: await create(), ...option } as never
  for (const make of [createExpressStore, createKoaStore])
    expect(() => make(options)).toThrow(
      expect.objectContaining({ code: 'SESSIONLOG_INVALID_ARGUMENT', path }),
    )
})

describe('The health of the store', () => {
  test('is told: disconnect when a write fails, to whoever listens later too', async () => {
    const db = new ObservedLevel()
    const { express, set, get } = await sessions({}, { db })
    await set('a', { cookie: cookie(), n: 1 })
    const told = once(express, 'disconnect')
    db.failure = new Error('EIO: the disk is gone')
    expect(await codeOf(() => set('a', { cookie: cookie(), n: 2 }))).toBe('SESSIONLOG_IO_ERROR')
    await told
    await once(express, 'disconnect')
    expect(await get('a')).toMatchObject({ n: 1 })
  })

  test('is told when the store is closed', async () => {
    const { express, store } = await sessions()
    const told = once(express, 'disconnect')
    await store.close()
    await told
  })
})

test('a session that somebody recorded without a cookie is as wrong as express-session finds it', async () => {
  const { express, store, get } = await sessions()
  await store.save('a', { n: 1 })
  const session = await get('a')
  expect(() => express.createSession({}, session)).toThrow(TypeError)
})
