import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { SessionStore, StoreOptions } from '../../src/index.ts'
import { collect } from '../support/outcome.ts'
import { create, directoryOf, temporary } from '../support/store.ts'

type State = Record<string, unknown>

/** An owner and one who follows it, as two processes would have them. */
async function pair(
  options: StoreOptions<State> = {},
  followerOptions: StoreOptions<State> = options,
): Promise<{ owner: SessionStore<State>; follower: SessionStore<State> }> {
  const dir = temporary()
  const owner = await create<State>({ dir, ...options })
  const follower = await create<State>({ dir, role: 'follower', ...followerOptions })
  return { owner, follower }
}

describe('A follower reads', () => {
  test('what was there before it came, and what the owner saves from then on', async () => {
    const dir = temporary()
    const owner = await create<State>({ dir })
    await owner.save('a', { n: 1 })
    await owner.compact()
    await owner.save('b', { n: 2 })
    await owner.delete('b')
    await owner.save('c', { n: 3 })
    const follower = await create<State>({ dir, role: 'follower' })
    expect([...follower.ids()]).toEqual(['a', 'c'])
    expect([follower.get('a'), follower.get('b'), follower.version('b')]).toEqual([{ n: 1 }, undefined, 2])
    await owner.save('a', { n: 4 })
    await owner.edit('c', draft => {
      draft.more = new Map([[1n, new Date(5)]])
    })
    await follower.flush()
    expect([follower.get('a'), follower.get('c')]).toEqual([{ n: 4 }, owner.get('c')])
    expect(follower.position).toBe(owner.position)
    expect(follower.origin).toBe(owner.origin)
  })

  test('the past, through the owner', async () => {
    const { owner, follower } = await pair()
    for (let n = 1; n <= 5; n++) await owner.save('a', { n })
    await owner.compact()
    await follower.save('a', { n: 6 }, { actor: 'ann', reason: 'why not' })
    const history = await collect(follower.history('a'))
    expect(history).toEqual(await collect(owner.history('a')))
    expect(history.at(-1)).toMatchObject({ version: 6, actor: 'ann', reason: 'why not' })
    expect(await follower.stateAt('a', { version: 3 })).toEqual({ n: 3 })
    expect(await collect(follower.events({ after: 3 }))).toHaveLength(3)
    expect(await follower.diff('a', 1, 6)).toEqual(await owner.diff('a', 1, 6))
    expect(await follower.verify()).toMatchObject({ ok: true, position: 6 })
    const { root } = await owner.compact()
    expect((await follower.proveConsistency(3)).newRoot).toBe(root)
  })

  test('what was saved by others, in the order of positions, through commits, events and watch', async () => {
    const { owner, follower } = await pair()
    const committed: number[] = []
    const watched: unknown[] = []
    follower.commits.subscribe(events => committed.push(...events.map(event => event.position)))
    follower.watch('a').subscribe(state => watched.push(state))
    const abort = new AbortController()
    const live = follower.events({ live: true, signal: abort.signal })
    await owner.save('a', { n: 1 })
    await follower.flush()
    await follower.save('a', { n: 2 })
    await Promise.all([owner.save('b', { n: 3 }), follower.save('a', { n: 4 })])
    await follower.flush()
    expect(committed).toEqual([1, 2, 3, 4])
    expect(watched).toEqual([undefined, { n: 1 }, { n: 2 }, { n: 4 }])
    const positions = []
    for (let n = 0; n < 4; n++) positions.push(((await live.next()).value as { position: number }).position)
    expect(positions).toEqual([1, 2, 3, 4])
    abort.abort()
  })

  test('what anybody was told of, once it has caught up', async () => {
    const { owner, follower } = await pair()
    const other = await create<State>({ dir: directoryOf(owner as never), role: 'follower' })
    expect([owner.role, follower.role]).toEqual(['owner', 'follower'])
    for (let n = 1; n <= 100; n++) {
      const writer = [owner, other][n % 2]!
      const { position } = await writer.save('a', { n })
      await follower.catchUp()
      expect([follower.get('a'), follower.position]).toEqual([{ n }, position])
    }
  })

  test('expiries that others move', async () => {
    const { owner, follower } = await pair()
    await owner.save('a', { n: 1 }, { expiresAt: Date.now() + 60_000 })
    await follower.flush()
    follower.touch('a', Date.now() - 1)
    await follower.flush()
    expect([follower.get('a'), owner.get('a')]).toEqual([undefined, undefined])
    await owner.flush()
    await follower.flush()
    expect(follower.version('a')).toBe(2)
    expect((await collect(follower.history('a')))[1]).toMatchObject({ type: '$expired' })
  })
})

describe("A follower's writes", () => {
  test('are seen at once here, and by the others when they are recorded', async () => {
    const { owner, follower } = await pair()
    const saved = follower.save('a', { n: 1 })
    expect([follower.get('a'), follower.version('a'), owner.get('a')]).toEqual([{ n: 1 }, 1, undefined])
    const receipt = await saved
    expect(receipt).toMatchObject({ sessionId: 'a', version: 1, position: 1, durability: 'synced' })
    expect(owner.get('a')).toEqual({ n: 1 })
    expect((await collect(owner.history('a')))[0]).toMatchObject({ hash: receipt.hash })
  })

  test('keep their order, whatever they are', async () => {
    const { owner, follower } = await pair()
    await Promise.all([
      follower.save('a', { list: [1] }),
      follower.edit('a', draft => void (draft.list as number[]).push(2)),
      follower.save('a', { list: [1, 2, 3], more: true }),
      follower.edit('a', draft => {
        delete draft.more
      }),
      follower.delete('b'),
      follower.saveAll([
        { id: 'a', edit: draft => void (draft.list as number[]).push(4) },
        { id: 'b', state: {} },
      ]),
      follower.delete('b'),
    ])
    const types = (await collect(owner.history('a'))).map(({ version, changes }) => [version, changes.length])
    expect(types).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 1],
      [5, 1],
    ])
    expect(owner.get('a')).toEqual({ list: [1, 2, 3, 4] })
    expect([owner.has('b'), owner.version('b')]).toEqual([false, 2])
    expect(await owner.verify()).toMatchObject({ ok: true, position: 7 })
  })

  test('that several of them make at once to one session all land: edits on what is there, saves one after the other', async () => {
    const { owner, follower } = await pair()
    const other = await create<State>({ dir: directoryOf(owner as never), role: 'follower' })
    await owner.save('a', { sum: 0 })
    await Promise.all([follower.flush(), other.flush()])
    const add = (store: SessionStore<State>) =>
      store.edit('a', draft => {
        draft.sum = (draft.sum as number) + 1
      })
    const edits = []
    for (let n = 0; n < 100; n++) {
      edits.push(add(owner), add(follower), add(other))
      if (n % 10 === 0) await add(n % 20 === 0 ? follower : other)
    }
    const receipts = await Promise.all(edits)
    expect(new Set(receipts.map(receipt => receipt.version)).size).toBe(300)
    expect(owner.get('a')).toEqual({ sum: 310 })
    await Promise.all([follower.flush(), other.flush()])
    expect([follower.get('a'), other.get('a')]).toEqual([{ sum: 310 }, { sum: 310 }])
    const saves = Array.from({ length: 60 }, (_, n) => [owner, follower, other][n % 3]!.save('b', { n }))
    await Promise.all(saves)
    expect(owner.version('b')).toBe(60)
    expect(await owner.verify()).toMatchObject({ ok: true, position: 371 })
  })

  test('are refused by what is true at the owner, and what was made on them with them', async () => {
    const { owner, follower } = await pair()
    await follower.save('a', { n: 1 })
    const first = owner.save('a', { n: 2 })
    const refused = follower.save('a', { n: 3 }, { expectedVersion: 1 })
    const built = follower.edit('a', draft => {
      draft.built = true
    })
    const apart = follower.save('b', { n: 1 })
    expect(follower.get('a')).toEqual({ n: 3, built: true })
    await expect(refused).rejects.toMatchObject({
      code: 'SESSIONLOG_VERSION_CONFLICT',
      expected: 1,
      actual: 2,
    })
    await expect(built).rejects.toMatchObject({ code: 'SESSIONLOG_VERSION_CONFLICT' })
    expect(await apart).toMatchObject({ version: 1 })
    await first
    expect([follower.get('a'), follower.version('a')]).toEqual([{ n: 2 }, 2])
    await expect(follower.save('a', { n: 4 }, { expectedVersion: 7 })).rejects.toMatchObject({ actual: 2 })
    expect(await follower.save('a', { n: 4 }, { expectedVersion: 2 })).toMatchObject({ version: 3 })
  })

  test('are what was saved, whatever was refused between them', async () => {
    const { owner, follower } = await pair()
    const owners = Array.from({ length: 40 }, (_, n) => owner.save(`taken-${n}`, { n }))
    // Of each ten the sixth expects what isn't so, and the ninth is made on what the sixth would have made.
    const isRefused = (n: number) => n % 10 === 5 || n % 10 === 8
    const writes = Array.from({ length: 400 }, (_, n) => {
      const id = isRefused(n) ? `taken-${Math.floor(n / 10)}` : `free-${n % 90}-${'x'.repeat(n % 60)}`
      const options = n % 10 === 5 ? { expectedVersion: 0 } : { reason: `because ${n}` }
      return follower.save(id, { n, text: 'y'.repeat((n * 7) % 300) }, options)
    })
    const settled = await Promise.allSettled(writes)
    await Promise.all(owners)
    expect(settled.map(({ status }) => status === 'rejected')).toEqual(settled.map((_, n) => isRefused(n)))
    const events = await collect(owner.events())
    for (const [n, outcome] of settled.entries()) {
      if (outcome.status === 'rejected') continue
      const { sessionId, version, position } = outcome.value
      expect(events[position - 1]).toMatchObject({ sessionId, version, reason: `because ${n}` })
      expect(await owner.stateAt(sessionId, { version })).toEqual({ n, text: 'y'.repeat((n * 7) % 300) })
    }
  })

  test('may depend on what has not arrived here yet', async () => {
    const { owner, follower } = await pair()
    const saved = owner.save('a', { n: 1 })
    const edited = follower.edit('a', draft => {
      draft.edited = true
    })
    await saved
    expect(await edited).toMatchObject({ version: 2 })
    const again = owner.save('c', { n: 1 })
    expect(await follower.delete('c')).toMatchObject({ version: 2 })
    await again
    await expect(follower.edit('d', () => {})).rejects.toMatchObject({ code: 'SESSIONLOG_SESSION_NOT_FOUND' })
    expect(await follower.delete('d')).toBeUndefined()
    await owner.save('e', { n: 1 })
    expect(await follower.fork('e', 'f', { version: 1 })).toMatchObject({ version: 1 })
    expect(await owner.lineage('f')).toMatchObject({ ancestors: [{ sessionId: 'e' }] })
  })

  test('with an event id happen once, whoever had it first', async () => {
    const { owner, follower } = await pair()
    const first = await owner.save('a', { n: 1 }, { eventId: 'x' })
    const again = await follower.save('a', { n: 1 }, { eventId: 'x' })
    expect(again).toEqual({ ...first, deduplicated: true })
    await owner.save('a', { n: 2 })
    const late = follower.save('a', { n: 1 }, { eventId: 'x' })
    const behind = follower.edit('a', draft => {
      draft.more = true
    })
    expect(await late).toEqual({ ...first, deduplicated: true })
    expect(await behind).toMatchObject({ version: 3 })
    expect(follower.get('a')).toEqual({ n: 2, more: true })
    await expect(follower.save('a', { n: 9 }, { eventId: 'x' })).rejects.toMatchObject({
      code: 'SESSIONLOG_EVENT_ID_REUSED',
    })
    expect(follower.get('a')).toEqual({ n: 2, more: true })
    const receipts = await follower.saveAll([
      { id: 'a', state: { n: 1 }, eventId: 'x' },
      { id: 'b', state: { n: 1 }, eventId: 'x' },
      { id: 'c', delete: true },
    ])
    expect(
      receipts.map(({ sessionId, version, deduplicated }) => [sessionId, version, deduplicated]),
    ).toEqual([
      ['a', 1, true],
      ['b', 1, false],
      ['c', 0, false],
    ])
    expect(owner.get('b')).toEqual({ n: 1 })
  })

  test('bring back whatever a state may hold', async () => {
    const { owner, follower } = await pair()
    const state = {
      date: new Date(1),
      big: 2n ** 80n,
      map: new Map<unknown, unknown>([['a', new Set([1])]]),
      bytes: new Uint8Array([1, 2]),
      undefined: undefined,
      numbers: [Number.NaN, -0, Number.POSITIVE_INFINITY],
      lone: '\ud800',
      ['__proto__']: 1,
    }
    await follower.save('a', state)
    expect(owner.get('a')).toEqual(state)
    await follower.save('a', { ...state, lone: '\udc00x' })
    expect(owner.get('a')).toEqual({ ...state, lone: '\udc00x' })
    await expect(follower.save('a', { f: () => {} })).rejects.toMatchObject({
      code: 'SESSIONLOG_INVALID_STATE',
    })
  })
})

describe('A follower', () => {
  test('has the owner compact, and hears how it goes', async () => {
    const { owner, follower } = await pair()
    await Promise.all(Array.from({ length: 200 }, (_, n) => follower.save(`s${n}`, { n })))
    const heard: number[] = []
    const report = await follower.compact({ onProgress: ({ sessions }) => heard.push(sessions) })
    expect(report).toMatchObject({ sessions: 200, events: 200, position: 200, problems: [] })
    expect(heard.length).toBeGreaterThan(0)
    expect(await owner.compact()).toMatchObject({ sessions: 0 })
  })

  test('that is told to stop waiting stops', async () => {
    const { follower } = await pair()
    const abort = new AbortController()
    abort.abort(new Error('enough'))
    await expect(follower.compact({ signal: abort.signal })).rejects.toThrow('enough')
    await expect(follower.verify({ signal: abort.signal })).rejects.toThrow('enough')
  })

  test('is held to the policies of the store', async () => {
    const dir = temporary()
    await create<State>({ dir, requireActor: true, schemaVersion: 2 })
    const follower = await create<State>({ dir, role: 'follower' })
    await expect(follower.save('a', {})).rejects.toMatchObject({ code: 'SESSIONLOG_POLICY_VIOLATED' })
    await expect(create({ dir, role: 'follower', schemaVersion: 3 })).rejects.toMatchObject({
      code: 'SESSIONLOG_POLICY_VIOLATED',
    })
  })

  test('is refused where the owner does not share, where there is none, and where there can be none', async () => {
    const dir = temporary()
    await expect(create({ dir, role: 'follower' })).rejects.toMatchObject({
      code: 'SESSIONLOG_LOCKED',
      path: dir,
    })
    await create({ dir, share: false })
    await expect(create({ dir, role: 'follower' })).rejects.toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    await expect(create({ dir })).rejects.toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    await expect(create({ dir, share: false, role: 'follower' })).rejects.toMatchObject({ path: 'role' })
    await expect(create({ dir, role: 'king' as never })).rejects.toMatchObject({ path: 'role' })
  })

  test('goes on with the next owner, to whom it sends what was under way', async () => {
    const { owner, follower } = await pair()
    await follower.save('a', { n: 1 })
    const saves = Array.from({ length: 50 }, (_, n) =>
      follower.edit('a', draft => ({ ...draft, [`k${n}`]: n })),
    )
    await owner.close()
    const next = await create<State>({ dir: directoryOf(owner as never) })
    const receipts = await Promise.all(saves)
    expect(receipts.map(receipt => receipt.version)).toEqual(Array.from({ length: 50 }, (_, n) => n + 2))
    expect(await follower.save('a', { n: 2 })).toMatchObject({ version: 52 })
    expect(await follower.compact()).toMatchObject({ position: 52 })
    expect(await follower.verify()).toMatchObject({ ok: true, position: 52 })
    expect(next.get('a')).toEqual({ n: 2 })
  })

  test('that closes while it joins the next owner does not follow it', async () => {
    let { owner, follower } = await pair()
    const dir = directoryOf(owner as never)
    for (let round = 0; round < 10; round++) {
      await owner.close()
      const next = create<State>({ dir })
      // Most times it waits to be let in by now.
      await delay(3 * round)
      await follower.close()
      owner = await next
      const { position } = follower
      await owner.save('a', { round })
      await delay(20)
      expect(follower.position).toBe(position)
      follower = await create<State>({ dir, role: 'follower' })
    }
  })

  test('that closes while nobody holds the store says of each write that it was not recorded', async () => {
    const { owner, follower } = await pair()
    await owner.close()
    const save = follower.save('a', { n: 1 })
    const closed = follower.close()
    await expect(save).rejects.toMatchObject({ code: 'SESSIONLOG_NOT_OPEN' })
    await closed
    expect(follower.status).toBe('closed')
  })
})
