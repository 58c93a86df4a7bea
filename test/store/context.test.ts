import { setTimeout as delay } from 'node:timers/promises'
import { filter, firstValueFrom } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { withContext } from '../../src/index.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { create, reopen, TestClock } from '../support/store.ts'

describe('withContext()', () => {
  test('says who and why of every event that is written in it, whatever is awaited meanwhile', async () => {
    const store = await create<number>({ requireActor: true })
    const handle = (user: string, request: string) =>
      withContext({ actor: user, correlationId: request, reason: 'request' }, async () => {
        await store.save(user, 1)
        await delay(1)
        await store.edit(user, n => n + 1, { reason: 'own reason' })
        await store.saveAll([{ id: `${user}/2`, state: 1 }])
        return store.delete(user)
      })
    await Promise.all([handle('ann', 'r1'), handle('bob', 'r2')])
    expect(await codeOf(() => store.save('ann', 1))).toBe('SESSIONLOG_POLICY_VIOLATED')
    for (const [user, correlationId] of [
      ['ann', 'r1'],
      ['bob', 'r2'],
    ]) {
      const events = await collect(store.history(user!))
      expect(events).toMatchObject([
        { actor: user, correlationId, reason: 'request' },
        { actor: user, correlationId, reason: 'own reason' },
        { actor: user, correlationId, reason: 'request', type: 'deleted' },
      ])
      expect(await collect(store.history(`${user}/2`))).toMatchObject([{ actor: user, correlationId }])
    }
  })

  test('adds to the context around it', async () => {
    const store = await create<number>()
    await withContext({ actor: 'ann', reason: 'outer' }, () =>
      withContext({ reason: 'inner', causationId: 'c' }, () =>
        store.save('a', 1, { actor: undefined as never }),
      ),
    )
    expect(await collect(store.history('a'))).toMatchObject([
      { actor: 'ann', reason: 'inner', causationId: 'c' },
    ])
    expect(withContext({}, () => 5)).toBe(5)
  })

  test('says nothing of what others do because of it: followers, timers', async () => {
    const clock = new TestClock()
    const store = await create<number>({ clock: clock.read })
    store.commits.subscribe(events => {
      for (const { sessionId } of events) if (sessionId !== 'log') store.save('log', 1)
    })
    withContext({ actor: 'ann' }, () => void store.save('a', 1))
    withContext({ actor: 'bob' }, () => void store.save('b', 1))
    store.save('c', 1)
    await store.flush()
    await store.flush()
    const events = await collect(store.history('log'))
    expect(events.map(event => event.actor)).toEqual([undefined, undefined, undefined])
    const ended = firstValueFrom(store.commits.pipe(filter(each => each[0]!.type === '$expired')))
    withContext({ actor: 'ann' }, () => store.touch('a', clock.now + 1))
    clock.now += 10
    expect((await ended)[0]).not.toHaveProperty('actor')
  })

  test('is as it was when it was given, and `undefined` is as good as left out', async () => {
    const store = await create<number>()
    const actor = { id: 'ann' } as { id: string; type?: unknown }
    await withContext({ actor: actor as never }, () => {
      actor.type = () => 1
      return withContext({ actor: undefined as never, reason: 'inner' }, () => store.save('a', 1))
    })
    expect(await collect(store.history('a'))).toMatchObject([{ actor: { id: 'ann' }, reason: 'inner' }])
  })

  test('refuses what is no context', async () => {
    for (const context of [undefined, { type: 'x' }, { actor: 5 }, { correlationId: {} }])
      expect(await codeOf(() => withContext(context as never, () => 1))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })
})

describe('An actor', () => {
  test('may be who acts, as what, and for whom', async () => {
    let store = await create<number>({ requireActor: true })
    const actor = { id: 'bot-7', type: 'agent', onBehalfOf: 'ann' }
    const given = { ...actor }
    const saved = store.save('a', 1, { actor: given })
    given.id = 'changed'
    await saved
    await store.compact()
    store = await reopen(store)
    expect(await collect(store.history('a'))).toMatchObject([{ actor }])
    expect(await store.blame('a')).toEqual(new Map([['', expect.objectContaining({ actor })]]))
  })

  test('is read once, whatever it is made of', async () => {
    const store = await create<number>({ requireActor: true })
    class User {
      get id() {
        return 'ann'
      }
    }
    let reads = 0
    const turning = {
      get id() {
        return reads++ < 1 ? 'bob' : () => 1
      },
    }
    await store.save('a', 1, { actor: new User() })
    expect(await codeOf(() => store.save('a', 2, { actor: turning as never }))).toBe(
      'SESSIONLOG_INVALID_ARGUMENT',
    )
    let asked = 0
    const options = {
      actor: 'cid',
      get reason() {
        return asked++ < 1 ? 'once' : () => 1
      },
    }
    await store.save('a', 3, options as never)
    expect(await collect(store.history('a'))).toMatchObject([
      { actor: { id: 'ann' } },
      { actor: 'cid', reason: 'once' },
    ])
    expect(store.status).toBe('open')
  })

  test('is refused where it has no id, or something else', async () => {
    const store = await create<number>()
    for (const actor of [{}, { id: '' }, { id: 5 }, { id: 'a', name: 'b' }, null, 5, { id: 'a', type: 5 }])
      expect(await codeOf(() => store.save('a', 1, { actor: actor as never }))).toBe(
        'SESSIONLOG_INVALID_ARGUMENT',
      )
    expect(store.has('a')).toBe(false)
  })
})
