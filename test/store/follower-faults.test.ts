/** What attacking a follower once broke: each of these lost, doubled or hid something. */
import { describe, expect, test } from 'vitest'
import { openStore, type SessionStore, type StoreOptions } from '../../src/index.ts'
import { inChild } from '../support/child.ts'
import { collect } from '../support/outcome.ts'
import { create, directoryOf, TestClock, temporary } from '../support/store.ts'

type State = Record<string, unknown>

async function pair(options: StoreOptions<State> = {}, ofFollower: StoreOptions<State> = options) {
  const dir = temporary()
  const owner = await create<State>({ dir, ...options })
  const follower = await create<State>({ dir, role: 'follower', ...ofFollower })
  return { owner, follower, dir }
}

/** The follower sees what the owner does, and the log is whole. */
async function expectSame(owner: SessionStore<State>, follower: SessionStore<State>): Promise<void> {
  await follower.flush()
  for (const id of new Set([...owner.ids(), ...follower.ids()]))
    expect([id, follower.version(id), follower.get(id)]).toEqual([id, owner.version(id), owner.get(id)])
  expect(await owner.verify()).toMatchObject({ ok: true, problems: [] })
}

describe('Each write is recorded once', () => {
  test('where one behind it is refused for its event id', async () => {
    const { owner, follower } = await pair()
    await owner.save('a', { n: 0 }, { eventId: 'x' })
    const [first, refused] = await Promise.allSettled([
      follower.save('b', { n: 1 }),
      follower.save('a', { n: 1 }, { eventId: 'x' }),
    ])
    expect(first).toMatchObject({ status: 'fulfilled', value: { version: 1 } })
    expect(refused).toMatchObject({ reason: { code: 'SESSIONLOG_EVENT_ID_REUSED' } })
    await expectSame(owner, follower)
    expect(owner.version('b')).toBe(1)
  })

  test('where one behind it is too long for a link', async () => {
    const { owner, follower } = await pair()
    const saves = [follower.save('x', { n: 1 }), follower.save('y', { n: 1 })]
    const long = follower.save('long', { text: '€'.repeat(50_000_000) })
    await expect(long).rejects.toMatchObject({ code: 'SESSIONLOG_INVALID_STATE' })
    expect(follower.has('long')).toBe(false)
    await Promise.all(saves)
    await expectSame(owner, follower)
    expect([owner.version('x'), owner.version('y'), owner.has('long')]).toEqual([1, 1, false])
  })

  test('where a watcher saves while others are made again', async () => {
    const { owner, follower } = await pair()
    await owner.save('a', { n: 0 })
    await follower.flush()
    let saved: Promise<unknown> | undefined
    follower.watch('a').subscribe(state => {
      if (state?.m === 1) saved ??= follower.save('log', { saw: state })
    })
    void owner.save('a', { m: 1 })
    await follower.edit('a', draft => {
      draft.k = 1
    })
    await saved
    await expectSame(owner, follower)
    expect([owner.version('log'), owner.get('a')]).toEqual([1, { m: 1, k: 1 }])
  })

  test('where two followers try the same event id at the same moment', async () => {
    const { owner, follower, dir } = await pair()
    const other = await create<State>({ dir, role: 'follower' })
    const receipts = await Promise.all([
      follower.save('a', { n: 1 }, { eventId: 'x' }),
      other.save('a', { n: 1 }, { eventId: 'x' }),
    ])
    expect(receipts.map(({ version }) => version)).toEqual([1, 1])
    expect(await collect(owner.history('a'))).toHaveLength(1)
    await expectSame(owner, follower)
  })

  test('where a part of a transaction was there before, and the next owner is asked for the rest', async () => {
    const { owner, follower, dir } = await pair()
    await owner.save('a', { n: 1 }, { eventId: 'x' })
    const receipts = follower.saveAll([
      { id: 'a', state: { n: 1 }, eventId: 'x' },
      { id: 'b', state: { n: 1 } },
    ])
    await owner.close()
    const next = await create<State>({ dir })
    expect((await receipts).map(({ sessionId, version }) => [sessionId, version])).toEqual([
      ['a', 1],
      ['b', 1],
    ])
    await expectSame(next, follower)
    expect(next.version('b')).toBe(1)
  })
})

test('A transaction of which a part was there before settles, and the rest is made on what there is', async () => {
  const { owner, follower } = await pair()
  await owner.save('a', { n: 0 })
  await follower.flush()
  void owner.save('a', { n: 10 }, { eventId: 'e' })
  const receipts = await follower.saveAll([
    { id: 'a', state: { n: 1 } },
    { id: 'a', state: { n: 10 }, eventId: 'e' },
    {
      id: 'a',
      edit: draft => {
        draft.n = (draft.n as number) + 1
      },
    },
  ])
  expect(receipts.map(({ version }) => version)).toEqual([3, 2, 4])
  expect(owner.get('a')).toEqual({ n: 2 })
  await expectSame(owner, follower)
})

describe('Stores agree on what has ended', () => {
  const refusedBatch = (follower: SessionStore<State>) =>
    follower
      .saveAll([
        { id: 'a', state: { n: 9 } },
        { id: 'b', state: { n: 2 }, expectedVersion: 'no_session' },
      ])
      .catch(() => {})

  const cases: [
    string,
    (owner: SessionStore<State>, follower: SessionStore<State>, now: number) => Promise<unknown>,
  ][] = [
    [
      'where the owner touches what the follower saves with an expiry of its own',
      async (owner, follower, now) => {
        owner.touch('a', now + 500)
        await follower.save('a', { n: 2 }, { expiresAt: now + 1_000_000 })
      },
    ],
    [
      'where a touch comes while a write that is then refused is shown',
      async (owner, follower, now) => {
        void owner.save('a', { n: 1 }, { expiresAt: now + 500 })
        void owner.save('b', { n: 1 })
        owner.touch('a', Number.POSITIVE_INFINITY)
        await refusedBatch(follower)
      },
    ],
    [
      'where what is touched has been deleted, and begins anew',
      async (owner, follower, now) => {
        const deleted = owner.delete('a')
        follower.touch('a', now + 500)
        await deleted
        await follower.flush()
        await owner.save('a', { n: 2 })
        await follower.flush()
        void owner.save('b', { n: 5 })
        await follower.save('b', { n: 6 }, { expectedVersion: 1 }).catch(() => {})
      },
    ],
    [
      'where an event with an expiry comes before a touch that was made without knowing of it',
      async (owner, follower, now) => {
        const saved = owner.save('a', { n: 1 }, { expiresAt: now + 500 })
        follower.touch('a', now + 1_000_000)
        await saved
      },
    ],
    [
      'where an event with an expiry is recorded together with one that was touched',
      async (owner, _, now) => {
        void owner.save('b', { n: 1 })
        void owner.save('a', { n: 1 })
        owner.touch('a', now + 500)
        await owner.save('a', { n: 2 }, { expiresAt: now + 1_000_000 })
      },
    ],
    [
      'where a touch is of a write that is made again, of what was deleted',
      async (owner, follower, now) => {
        void owner.delete('a')
        const saved = follower.save('a', { n: 2 }, { expiresAt: now + 1_000_000 })
        follower.touch('a', now + 500)
        await saved
        await follower.flush()
        expect(owner.version('a')).toBe(3)
      },
    ],
    [
      'where a touch is of a write that is then refused',
      async (owner, follower, now) => {
        void owner.save('b', { n: 1 })
        const refused = refusedBatch(follower)
        follower.touch('a', now + 1_000_000)
        await refused
        await follower.save('a', { n: 3 })
      },
    ],
  ]
  for (const [name, act] of cases) {
    test(name, async () => {
      const clock = new TestClock()
      const { owner, follower } = await pair({ clock: clock.read })
      await owner.save('a', { n: 0 })
      await follower.flush()
      await act(owner, follower, clock.now)
      await follower.flush()
      await owner.flush()
      await follower.flush()
      clock.now += 1000
      expect(follower.has('a')).toBe(owner.has('a'))
      await expectSame(owner, follower)
    })
  }
})

describe('A follower shows what is recorded', () => {
  test('where a recipe ran again on a state that is not the last one', async () => {
    const { owner, follower } = await pair()
    await owner.save('b', { n: 1 })
    await follower.flush()
    void owner.save('b', { n: 2 })
    const edit = follower.edit('b', draft => {
      draft.x = 1
    })
    await Promise.all([edit, follower.save('b', { n: 3 })])
    await expectSame(owner, follower)
    expect(follower.get('b')).toEqual({ n: 3 })
  })

  test('and no older version than one that it was told of', async () => {
    const { owner, follower } = await pair()
    await owner.save('a', { n: 0 })
    await follower.flush()
    const seen: [receipt: number, version: number][] = []
    const note = ({ version }: { version: number }) => seen.push([version, follower.version('a')])
    for (let round = 0; round < 20; round++) {
      const others = Array.from({ length: 5 }, (_, n) => owner.save('a', { round, n }))
      const own = Array.from({ length: 5 }, (_, n) => follower.save('a', { round, own: n }).then(note))
      await Promise.all([...others, ...own])
    }
    expect(seen.filter(([receipt, version]) => version < receipt)).toEqual([])
    expect(seen).toHaveLength(100)
  })

  test('where only the expiry changes', async () => {
    const clock = new TestClock()
    const { owner, follower } = await pair({ clock: clock.read })
    await owner.save('a', { n: 1 })
    await follower.flush()
    expect(follower.get('a')).toEqual({ n: 1 })
    await owner.save('a', { n: 1 }, { expiresAt: clock.now + 500 })
    await follower.flush()
    clock.now += 1000
    expect([follower.get('a'), follower.has('a'), owner.get('a')]).toEqual([undefined, false, undefined])
  })

  test('where a session is touched right after it was saved, by whichever of them', async () => {
    const clock = new TestClock()
    const { owner, follower, dir } = await pair({ clock: clock.read })
    const other = await create<State>({ dir, role: 'follower', clock: clock.read })
    const saved = [owner.save('a', { n: 1 }), follower.save('b', { n: 1 })]
    owner.touch('a', clock.now + 500)
    follower.touch('b', clock.now + 500)
    await Promise.all(saved)
    await Promise.all([owner.flush(), follower.flush(), other.flush()])
    await other.flush()
    clock.now += 1000
    for (const store of [owner, follower, other])
      expect([store.get('a'), store.get('b')]).toEqual([undefined, undefined])
  })

  test('where the next owner moves an expiry before anybody follows it', async () => {
    const clock = new TestClock()
    const { owner, follower, dir } = await pair({ clock: clock.read })
    await follower.save('a', { n: 1 })
    await follower.save('b', { n: 1 }, { expiresAt: clock.now + 500 })
    await owner.close()
    const next = await create<State>({ dir, clock: clock.read })
    next.touch('a', clock.now + 500)
    next.touch('b', Number.POSITIVE_INFINITY)
    await follower.flush()
    clock.now += 1000
    for (const store of [follower, next]) expect([store.has('a'), store.has('b')]).toEqual([false, true])
    await expectSame(next, follower)
  })

  test('where a touch found no owner: the next one hears of it', async () => {
    const clock = new TestClock()
    const { owner, follower, dir } = await pair({ clock: clock.read })
    await follower.save('a', { n: 1 })
    await owner.close()
    follower.touch('a', clock.now + 500)
    const next = await create<State>({ dir, clock: clock.read })
    await follower.flush()
    await next.flush()
    clock.now += 1000
    expect([next.get('a'), follower.get('a')]).toEqual([undefined, undefined])
  })
})

describe('Nobody is told what is not so', () => {
  test('of a save that changes nothing of what was then refused', async () => {
    const { owner, follower } = await pair({ skipUnchanged: true })
    await owner.save('a', { n: 1 })
    await follower.flush()
    void owner.save('a', { n: 9 })
    const refused = follower.save('a', { n: 5 }, { expectedVersion: 1 })
    const built = follower.save('a', { n: 5 })
    await expect(refused).rejects.toMatchObject({ code: 'SESSIONLOG_VERSION_CONFLICT' })
    await expect(built).rejects.toMatchObject({ code: 'SESSIONLOG_VERSION_CONFLICT' })
    await expectSame(owner, follower)
  })

  test('of a delete of what was deleted by a delete that was then refused', async () => {
    const { owner, follower } = await pair()
    await owner.save('a', { n: 1 })
    await follower.flush()
    void owner.save('a', { n: 2 })
    const refused = follower.delete('a', { expectedVersion: 1 })
    const batch = follower.saveAll([
      { id: 'a', delete: true },
      { id: 'b', state: { n: 1 } },
    ])
    await expect(refused).rejects.toMatchObject({ code: 'SESSIONLOG_VERSION_CONFLICT' })
    await expect(batch).rejects.toMatchObject({ code: 'SESSIONLOG_VERSION_CONFLICT' })
    await expectSame(owner, follower)
    expect([owner.get('a'), owner.has('b')]).toEqual([{ n: 2 }, false])
  })

  test('by a follower whose next owner has another schema: it stops', async () => {
    const { owner, follower, dir } = await pair({ schemaVersion: 1 }, {})
    await follower.save('a', { v1: 1 })
    await owner.close()
    const upcast = (state: unknown) => ({ v2: (state as { v1: number }).v1 })
    const next = await create<State>({ dir, schemaVersion: 2, upcast })
    await expect(follower.save('a', { v1: 2 })).rejects.toMatchObject({ code: 'SESSIONLOG_POLICY_VIOLATED' })
    expect(follower.status).toBe('failed')
    expect(next.get('a')).toEqual({ v2: 1 })
    await expect(follower.stateAt('a', { version: 1 })).rejects.toMatchObject({
      code: 'SESSIONLOG_POLICY_VIOLATED',
    })
  })

  test('of the durability of the next owner', async () => {
    const { owner, follower, dir } = await pair()
    expect(await follower.save('a', {})).toMatchObject({ durability: 'synced' })
    await owner.close()
    await create<State>({ dir, durability: 'buffered' })
    expect(await follower.save('a', {})).toMatchObject({ durability: 'buffered' })
  })
})

describe('A process goes on while there is no owner, where', () => {
  const cases = {
    'it is asked what all others have saved': 'follower.flush()',
    'something is saved': "follower.save('b', { n: 1 })",
    'somebody reads the past': "follower.stateAt('a', { version: 1 })",
    'the store is closing': 'follower.close()',
  }
  for (const [what, call] of Object.entries(cases)) {
    test(what, async () => {
      const dir = JSON.stringify(temporary())
      const child = await inChild(`
        import { setTimeout as delay } from 'node:timers/promises'
        import { openStore } from '/src/index.ts'
        const owner = await openStore({ dir: ${dir} })
        const follower = await openStore({ dir: ${dir}, role: 'follower' })
        await owner.save('a', { n: 1 })
        await follower.flush()
        await owner.close()
        // Until it pauses between two attempts to find the next owner.
        while (follower.health().status === 'open') await delay(5)
        await delay(100)
        setTimeout(() => openStore({ dir: ${dir} }), 500).unref()
        await ${call}
        console.log('done')
      `)
      expect(child).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
    })
  }
})

describe('Nobody waits for ever', () => {
  test('who reads the past while the follower closes', async () => {
    const { owner, follower } = await pair()
    for (let n = 0; n < 2000; n++) void owner.save('a', { n })
    await follower.flush()
    const reads = [
      follower.stateAt('a', { version: 2 }),
      collect(follower.history('a')),
      follower.lineage('a'),
      follower.proveConsistency(3),
    ]
    const outcomes = Promise.allSettled(reads)
    await follower.close()
    for (const outcome of await outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'SESSIONLOG_NOT_OPEN' })
  })

  test('who sends more at once than a link holds unread', async () => {
    const { owner, follower } = await pair({ pendingBytesMax: 2 ** 30 })
    await Promise.all(
      Array.from({ length: 6 }, (_, n) => follower.save(`s${n}`, { text: '€'.repeat(9_000_000) })),
    )
    expect(owner.size).toBe(6)
    await follower.flush()
    expect(follower.position).toBe(6)
  })

  test('who follows an owner that commits more at once than a frame holds', async () => {
    const { owner, follower } = await pair()
    await owner.saveAll([0, 1, 2].map(n => ({ id: `s${n}`, state: { text: 'x'.repeat(50_000_000) } })))
    expect(await follower.save('a', { n: 1 })).toMatchObject({ version: 1, position: 4 })
    expect(follower.has('s2')).toBe(true)
  })

  test('who asks an owner whose method fails with nothing', async () => {
    const { follower } = await pair(
      {
        signingKey: (await import('../../src/index.ts')).generateKey('test').skey,
        onCheckpoint: () => Promise.reject(undefined),
      },
      {},
    )
    await expect(follower.compact()).rejects.toBeInstanceOf(Error)
  })

  test('who opens a store whose owner closes at that moment', async () => {
    const dir = temporary()
    const owner = await create<State>({ dir })
    for (let n = 0; n < 200; n++) void owner.save(`s${n}`, { n })
    const opening = openStore<State>({ dir, role: 'follower', compactEvery: 0 })
    await owner.close()
    const next = await create<State>({ dir })
    const follower = await opening
    expect(follower.get('s1')).toEqual({ n: 1 })
    await expectSame(next, follower)
    await follower.close()
    expect(directoryOf(next as never)).toBe(dir)
  })
})
