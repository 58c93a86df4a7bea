import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateKey, openBundle, restore, type SessionStore } from '../../src/index.ts'
import { ArchiveFiles } from '../../src/log/archive-file.ts'
import { openLevelLog } from '../../src/log/open-level.ts'
import { type ArchivedBlock, WHOLE } from '../../src/log/retention.ts'
import { originLine } from '../../src/proof/checkpoint.ts'
import { verifyProof } from '../../src/proof/verify.ts'
import { writeArchiveFile } from '../../src/snapshot/archive-writer.ts'
import { findCut, planPruning } from '../../src/snapshot/pruning.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { create, directoryOf, reopen, TestClock, temporary } from '../support/store.ts'

const DAY = 86_400_000
const POLICY = { olderThan: '30d', keepLast: 5 } as const

/** Two sessions that were edited day by day, and one that ended early. */
async function makeStore(
  options = {},
  days = 90,
): Promise<{ store: SessionStore<unknown>; clock: TestClock }> {
  const clock = new TestClock()
  const store = await create<unknown>({ clock: clock.read, prune: POLICY, ...options })
  for (let day = 1; day <= days; day++) {
    clock.now += DAY
    for (const id of ['cart', 'form'])
      await store.save(
        id,
        { ...(store.get(id) as object), [`k${day % 11}`]: 'text '.repeat(day % 9), day },
        {
          actor: `actor-${day % 3}`,
          eventId: `${id}-${day}`,
        },
      )
    if (day <= 40) await store.save('gone', { day, secret: `personal-${day}` }, { actor: 'ann' })
    if (day === 41) await store.delete('gone')
  }
  return { store, clock }
}

/** What is told of a session from a version on. */
async function toldFrom(store: SessionStore<unknown>, id: string, from: number) {
  const states = []
  for (let version = from; version <= store.version(id); version++)
    states.push(await store.stateAt(id, { version }))
  return { states, history: await collect(store.history(id, { from: from + 1 })) }
}

const firstOf = async (store: SessionStore<unknown>, id: string) =>
  (await collect(store.history(id)))[0]!.version

describe('prune()', () => {
  test('is refused where no policy allows it', async () => {
    const { store } = await makeStore({ prune: undefined }, 10)
    await store.archive({ keepLast: 0 })
    expect(await codeOf(() => store.prune())).toBe('SESSIONLOG_POLICY_VIOLATED')
    const allowed = await reopen(store, { prune: { keepLast: 1 } })
    expect((await allowed.prune({ dryRun: true })).events).toBeGreaterThan(0)
    // Kept in the store, until it is taken back.
    const kept = await reopen(allowed, { prune: undefined as never })
    expect(await kept.prune({ dryRun: true })).toMatchObject({ policy: { keepLast: 1 } })
    const forbidden = await reopen(kept, { prune: false })
    expect(await codeOf(() => forbidden.prune())).toBe('SESSIONLOG_POLICY_VIOLATED')
  })

  test('destroys archived events only, as far as the policy allows, and says so', async () => {
    const { store, clock } = await makeStore()
    expect(await store.prune()).toMatchObject({ sessions: 0, events: 0 })
    await store.archive({ keepLast: 0 })
    const dry = await store.prune({ dryRun: true })
    const position = store.position
    expect(store.position).toBe(position)
    const before = { cart: await toldFrom(store, 'cart', 1), gone: await toldFrom(store, 'gone', 1) }
    const report = await store.prune({ actor: 'dpo', reason: 'retention' })
    expect(report).toMatchObject({ sessions: 3, policy: { olderThan: 30 * DAY, keepLast: 5 }, problems: [] })
    expect(dry.events).toBe(report.events)
    for (const id of ['cart', 'form', 'gone']) {
      const first = await firstOf(store, id)
      expect(first).toBeGreaterThan(20)
      const events = await collect(store.history(id))
      const pruned = events.find(({ type }) => type === '$pruned')!
      expect(pruned).toMatchObject({
        actor: 'dpo',
        reason: 'retention',
        data: { from: 1, to: first - 2, policy: { olderThan: 30 * DAY, keepLast: 5 } },
      })
      expect(await codeOf(() => store.stateAt(id, { version: 1 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
      expect(await codeOf(() => collect(store.history(id, { from: 1 })))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
      // What is older than the policy says is gone, what is younger is there.
      expect(first - 1).toBeLessThanOrEqual(90 - 30)
    }
    const first = await firstOf(store, 'cart')
    const after = await toldFrom(store, 'cart', first - 1)
    expect(after.states.slice(0, -1)).toEqual(before.cart.states.slice(first - 2))
    expect(after.history.slice(0, -1)).toEqual(before.cart.history.slice(first - 2))
    expect(store.get('cart')).toEqual(before.cart.states.at(-1))
    const { ok, problems } = await store.verify()
    expect(problems).toEqual([])
    expect(ok).toBe(true)
    expect(await store.prune()).toMatchObject({ events: 0 })
    // Each is found by its id that is there, and no other.
    expect(await store.save('cart', store.get('cart'), { eventId: 'cart-1' })).toMatchObject({
      deduplicated: false,
    })
    clock.now += DAY
    const blame = await store.blame('cart')
    expect([...blame.values()].every(({ version }) => version >= first - 1)).toBe(true)
    const folder = join(directoryOf(store as never), 'archive')
    expect(readdirSync(folder)).toHaveLength(1)
  })

  test('leaves nothing of them on the disk but hashes', async () => {
    const { store } = await makeStore({ prune: { keepLast: 0 } })
    await store.archive({ keepLast: 0 })
    await store.prune()
    await store.compact({ full: true })
    await store.close()
    const dir = directoryOf(store as never)
    const files = ['log', 'archive', 'sessions_v3'].flatMap(name =>
      readdirSync(join(dir, name)).map(file => readFileSync(join(dir, name, file), 'latin1')),
    )
    // LevelDB's own files may hold what was deleted until it compacts; the archive is compressed.
    expect(files.some(text => text.includes('personal-3"'))).toBe(false)
  })

  test('opens again, is rebuilt, and goes on to be archived and pruned', async () => {
    const { store, clock } = await makeStore()
    await store.archive({ keepLast: 0 })
    await store.prune()
    let now = store
    for (let round = 0; round < 3; round++) {
      now = await reopen(now, { rebuild: round === 1 })
      expect(await now.verify()).toMatchObject({ ok: true, problems: [] })
      const first = await firstOf(now, 'cart')
      for (let day = 0; day < 40; day++) {
        clock.now += DAY
        await now.save('cart', { ...(now.get('cart') as object), more: day })
      }
      await now.archive({ olderThan: '10d' })
      expect((await now.prune()).events).toBeGreaterThan(10)
      expect(await firstOf(now, 'cart')).toBeGreaterThan(first)
      expect(await now.verify()).toMatchObject({ ok: true, problems: [] })
    }
    const events = await collect(now.events())
    const histories = []
    for (const id of ['cart', 'form', 'gone']) histories.push(...(await collect(now.history(id))))
    expect(events).toEqual(histories.sort((a, b) => a.position - b.position))
  })

  test('keeps what proofs need', async () => {
    const { skey, vkey } = generateKey('store')
    const { store } = await makeStore({ signingKey: skey })
    const checkpoint = await store.checkpoint()
    const old = await store.prove('cart', 60)
    await store.archive({ keepLast: 0 })
    await store.prune()
    expect(await store.verify({ checkpoint, key: vkey })).toMatchObject({ ok: true, problems: [] })
    for (const proof of [
      old,
      await store.prove('cart', 80),
      await store.prove('gone', store.version('gone')),
    ])
      expect(() => verifyProof(proof, vkey, originLine(store.origin))).not.toThrow()
    expect(await codeOf(() => store.prove('cart', 2))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect((await store.proveConsistency(checkpoint)).oldSize).toBe(221)
  })

  test('spares a session under legal hold, until that ends', async () => {
    const { store } = await makeStore()
    await store.archive({ keepLast: 0 })
    expect(await store.legalHold('gone', true, { actor: 'counsel', reason: 'case 7' })).toMatchObject({
      version: 42,
    })
    expect(await store.legalHold('gone', true)).toMatchObject({ version: 42, unchanged: true })
    expect(await store.prune()).toMatchObject({ sessions: 2, held: 1 })
    expect(await firstOf(store, 'gone')).toBe(1)
    expect(store.get('gone')).toBe(undefined)
    const again = await reopen(store)
    expect(await again.prune()).toMatchObject({ sessions: 0, held: 1 })
    expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
    await again.legalHold('gone', false)
    const pruned = await again.prune()
    expect(pruned).toMatchObject({ sessions: 1, held: 0 })
    expect(await firstOf(again, 'gone')).toBeGreaterThan(1)
    expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
    expect(await codeOf(() => again.legalHold('nobody', true))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
  })

  test('a hold that is asked for while events are pruned comes before or after, never in between', async () => {
    for (let wait = 0; wait < 12; wait++) {
      const { store } = await makeStore({}, 70)
      await store.archive({ keepLast: 0 })
      const pruning = store.prune()
      for (let turn = 0; turn < wait * 8; turn++) await Promise.resolve()
      if (wait % 3 === 1) await new Promise(resolve => setTimeout(resolve, wait))
      const { version } = await store.legalHold('cart', true)
      await pruning
      const events = await collect(store.history('cart'))
      const pruned = events.filter(({ type }) => type === '$pruned')
      expect(pruned.every(event => event.version < version)).toBe(true)
      expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
      await store.close()
    }
  })

  test('is seen by followers, and can be asked for by them', async () => {
    const { store } = await makeStore()
    const follower = await create<unknown>({ dir: directoryOf(store as never), role: 'follower' })
    await follower.archive({ keepLast: 0 })
    await follower.legalHold('form', true)
    expect(await follower.prune({ reason: 'old' })).toMatchObject({ sessions: 2, held: 1 })
    for (const id of ['cart', 'form', 'gone'])
      expect(await collect(follower.history(id))).toEqual(await collect(store.history(id)))
    expect(await codeOf(() => follower.stateAt('cart', { version: 1 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await collect(follower.events())).toEqual(await collect(store.events()))
    const late = await create<unknown>({ dir: directoryOf(store as never), role: 'follower' })
    expect(await collect(late.history('cart'))).toEqual(await collect(store.history('cart')))
    expect(await late.verify()).toMatchObject({ ok: true, problems: [] })
  })

  test('a bundle of what is left can be read and proved', async () => {
    const { store } = await makeStore()
    await store.archive({ keepLast: 0 })
    await store.prune()
    const first = await firstOf(store, 'cart')
    const file = join(temporary(), 'cart.slog')
    expect(await codeOf(() => store.exportBundle('cart', { file, from: 1 }))).toBe(
      'SESSIONLOG_VERSION_NOT_FOUND',
    )
    await store.exportBundle('cart', { file })
    const bundle = await openBundle(file)
    expect(await collect(bundle.history('cart'))).toEqual(await collect(store.history('cart')))
    expect(await bundle.stateAt('cart', { version: first })).toEqual(
      await store.stateAt('cart', { version: first }),
    )
    await bundle.verify()
  })

  test('a backup has what the store has, and what was pruned does not come back', async () => {
    const { store, clock } = await makeStore()
    const dest = join(temporary(), 'backup')
    await store.backup(dest)
    const full = store.position
    await store.archive({ keepLast: 0 })
    await store.prune({ reason: 'old' })
    await store.legalHold('form', true)
    await store.save('cart', { later: true })
    await store.backup(dest)
    const fresh = join(temporary(), 'fresh')
    await store.backup(fresh)
    for (const from of [dest, fresh]) {
      const dir = join(temporary(), 'restored')
      await restore({ from, dir })
      const again = await create<unknown>({ dir, clock: clock.read })
      expect(await collect(again.events())).toEqual(await collect(store.events()))
      expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
      expect(await codeOf(() => again.stateAt('cart', { version: 1 }))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
      await again.archive({ keepLast: 0 })
      expect(await again.prune()).toMatchObject({ held: 1 })
      expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
    }
    const dir = join(temporary(), 'before')
    expect(await codeOf(() => restore({ from: fresh, dir, toPosition: full }))).toBe(
      'SESSIONLOG_VERSION_NOT_FOUND',
    )
    await restore({ from: dest, dir, toPosition: full })
    const before = await create<unknown>({ dir, clock: clock.read })
    expect(await collect(before.history('cart'))).toHaveLength(90)
    expect(await before.verify()).toMatchObject({ ok: true, problems: [] })
  })

  test('a hold is one in a store that is restored, and restoring up to before it has none', async () => {
    const { store } = await makeStore({}, 20)
    const before = store.position
    await store.legalHold('form', true)
    const from = join(temporary(), 'backup')
    await store.backup(from)
    for (const [toPosition, held] of [
      [store.position, 1],
      [before, 0],
    ] as const) {
      const dir = join(temporary(), 'restored')
      await restore({ from, dir, toPosition })
      const again = await create<unknown>({ dir, prune: { keepLast: 1 } })
      expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
      await again.archive({ keepLast: 0 })
      expect(await again.prune()).toMatchObject({ held })
    }
  })

  test('whoever destroys events without a word, or ends a hold, is found out', async () => {
    const { store } = await makeStore()
    await store.archive({ keepLast: 0 })
    await store.legalHold('form', true)
    await store.close()
    const dir = directoryOf(store as never)
    const log = await openLevelLog(join(dir, 'log'))
    const files = new ArchiveFiles(join(dir, 'archive'))
    const blocks = (await collect(log.archived())).flat().filter(({ sessionId }) => sessionId === 'cart')
    const read = (block: ArchivedBlock) => files.records(block)
    const cut = await findCut(read, blocks, { cut: 0, head: 90 }, { before: Infinity, keepLast: 5 })
    const { sessionId, runs, hash, rest } = await planPruning(read, blocks, 1, cut!)
    async function* one() {
      yield rest!
    }
    const [block] = await writeArchiveFile(files, store.origin, 9, one())
    await log.write(
      [
        { op: 'prune', sessionId, runs, blocks: blocks.map(each => each.firstVersion), eventIds: [] },
        { op: 'archive', block: block!, sealed: [] },
        { op: 'retention', sessionId, cut: cut!, cutHash: hash, held: false },
        { op: 'retention', sessionId: 'form', ...WHOLE },
      ],
      true,
    )
    await log.close()
    const again = await create<unknown>({ dir })
    expect(await firstOf(again, 'cart')).toBe(cut! + 1)
    const { problems } = await again.verify()
    expect(problems.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/session 'cart'.*no event says that it was pruned/),
        expect.stringMatching(/'form' is not held, and its events say otherwise/),
      ]),
    )
  })
})
