import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Receipt, RecordedEvent, StoreOptions } from '../../src/index.ts'
import { filesIn } from '../support/damage.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { RecordingLogger } from '../support/recording-logger.ts'
import { create, temporary } from '../support/store.ts'
import { canMount, SmallDisk } from '../support/tmpfs.ts'
import type { Outcome } from '../support/tmpfs-failing-sync.ts'

interface State {
  n: number
  noise: string
}

if (!canMount) console.log('SKIP full disk: no right to mount a small file system here')
const onSmallDisk = describe.skipIf(!canMount)

onSmallDisk('On a full disk', () => {
  test('the commit that fails and all writes after it reject, and the store says that it has failed', async () => {
    const { store, rejected } = await untilFull()
    expect(store.status).toBe('failed')
    expect(new Set(rejected.map(each => each.code))).toEqual(new Set(['SESSIONLOG_IO_ERROR']))
    const writes: (() => unknown)[] = [
      () => store.save('s1', { n: 0, noise: '' }),
      () => store.save('another', { n: 0, noise: '' }),
      () => store.edit('s1', state => void state.n++),
      () => store.delete('s1'),
      () => store.saveAll([{ id: 's1', delete: true }]),
      () => store.touch('s1', 4e12),
      () => store.flush(),
      () => store.compact(),
    ]
    for (const write of writes) expect(await codeOf(write)).toBe('SESSIONLOG_IO_ERROR')
  })

  test('it goes on failing when there is space again, until it is opened anew', async () => {
    const { store, disk } = await untilFull()
    disk.free()
    expect(await codeOf(() => store.save('s1', { n: 0, noise: '' }))).toBe('SESSIONLOG_IO_ERROR')
  })

  test('the cache goes back to the acknowledged states, and watch() emits them', async () => {
    const { store, acked, written, watched } = await untilFull()
    for (const [id, receipts] of bySession(acked)) {
      const last = receipts[receipts.length - 1]!
      expect(store.version(id)).toBe(last.version)
      expect(store.get(id)).toEqual(written.get(last.hash))
    }
    expect(watched[watched.length - 1]).toEqual(store.get('s0'))
    expect(watched[watched.length - 2]).not.toEqual(store.get('s0'))
  })

  test('commits has emitted every acknowledged event, and errors', async () => {
    const { acked, committed, commitsError, logged } = await untilFull()
    expect(committed.map(event => event.hash)).toEqual(acked.map(receipt => receipt.hash))
    expect(commitsError()).toMatchObject({ code: 'SESSIONLOG_IO_ERROR' })
    expect(logged).toEqual([expect.objectContaining({ err: commitsError() })])
  })

  test('reading goes on, and close() lets go of the directory', async () => {
    const { store, acked, written, dir } = await untilFull()
    expect((await collect(store.events())).map(event => event.hash)).toEqual(
      acked.map(receipt => receipt.hash),
    )
    for (const { sessionId, version, hash } of acked.slice(-10))
      expect(await store.stateAt(sessionId, { version })).toEqual(written.get(hash))
    expect(await store.verify()).toMatchObject({ ok: true, position: acked.length })
    await store.close()
    expect(store.status).toBe('closed')
    expect(readdirSync(dir)).not.toContain('owner.json')
  })

  test('a save that nobody awaits takes nothing down', async () => {
    const { store } = await untilFull()
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    void store.save('s1', { n: 0, noise: '' })
    void store.saveAll([{ id: 's1', delete: true }])
    // Node.js tells of an unhandled rejection when the microtasks of the tick are through.
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
  })

  test('the store cannot be opened, which changes nothing, and once there is space every acknowledged event is there', async () => {
    const { store, disk, dir, acked, written } = await untilFull()
    await store.close()
    disk.fill()
    for (let attempt = 0; attempt < 3; attempt++)
      expect(await codeOf(() => create<State>({ dir }))).toBe('SESSIONLOG_IO_ERROR')
    disk.free()
    const again = await create<State>({ dir })
    const events = await collect(again.events())
    expect(events.slice(0, acked.length).map(event => event.hash)).toEqual(acked.map(receipt => receipt.hash))
    for (const id of again.ids()) {
      const last = events.findLast(event => event.sessionId === id)!
      if (written.has(last.hash)) expect(again.get(id)).toEqual(written.get(last.hash))
    }
    expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
  })

  test('what was rejected can be tried again under its event id: there is one event of each', async () => {
    const { store, disk, dir, rejected } = await untilFull()
    await store.close()
    disk.free()
    const again = await create<State>({ dir })
    for (const { id, state, eventId } of rejected) await again.save(id, state, { eventId })
    const ids = (await collect(again.events())).map(event => event.eventId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, state } of rejected) expect(again.get(id)).toEqual(state)
  })

  test('a compaction may fail, but no snapshot is replaced by a part of one, and no event is lost', async () => {
    const { store, disk, dir } = await smallStore()
    for (let n = 1; n <= 40; n++) await store.save(`s${n}`, { n, noise: noise(1500) })
    await store.compact()
    const before = filesIn(join(dir, 'sessions_v3'))
    for (let n = 1; n <= 40; n++) await store.save(`s${n}`, { n: -n, noise: noise(1500) })
    disk.fill(40)
    const outcome = await store.compact().catch(error => error)
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'SESSIONLOG_IO_ERROR' })
    else expect(outcome.problems.length).toBeGreaterThan(0)
    expectWhole(before, filesIn(join(dir, 'sessions_v3')))
    await store.close().catch(() => {})
    disk.free()
    const again = await create<State>({ dir })
    for (let n = 1; n <= 40; n++) expect(again.get(`s${n}`)).toMatchObject({ n: -n })
    expect((await again.compact()).problems).toEqual([])
    expect(await again.verify()).toMatchObject({ ok: true, snapshots: 40 })
  })
})

onSmallDisk('With snapshots on a full disk of their own', () => {
  test('a compaction names those that it could not write, keeps the old ones whole, and the next one heals', async () => {
    const dir = temporary()
    const disk = small(join(dir, 'sessions_v3'), 400)
    const store = await create<State>({ dir })
    const save = async (sign: number) => {
      for (let n = 1; n <= 40; n++) await store.save(`s${n}`, { n: sign * n, noise: noise(3000) })
    }
    await save(1)
    expect((await store.compact()).problems).toEqual([])
    const before = filesIn(disk.path)
    await save(-1)
    disk.fill(12)
    const { problems, snapshotsWritten } = await store.compact()
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.length + snapshotsWritten).toBe(40)
    for (const { sessionId, path, error } of problems) {
      expect(error).toMatchObject({ code: 'SESSIONLOG_IO_ERROR' })
      expect(path).toBe(join(disk.path, `${sessionId}.json`))
    }
    const after = filesIn(disk.path)
    after.delete('ballast')
    expectWhole(before, after)
    expect(store.status).toBe('open')
    await store.save('s1', { n: 0, noise: '' })
    disk.free()
    const healed = await store.compact()
    expect(healed.problems).toEqual([])
    expect(healed.sessions).toBe(
      problems.some(({ sessionId }) => sessionId === 's1') ? problems.length : problems.length + 1,
    )
    expect(await store.verify()).toMatchObject({ ok: true, snapshots: 40 })
    for (const [name, bytes] of filesIn(disk.path))
      expect(JSON.parse(bytes.toString()).state.n, name).toBeLessThanOrEqual(0)
  })
})

const canInject =
  process.platform === 'linux' && spawnSync('strace', ['-f', '-qq', '-e', 'trace=none', 'true']).status === 0
if (!canInject) console.log('SKIP failing syncs: no right to trace a process here, or nothing to do it with')

describe.skipIf(!canInject)('Where the disk fails to sync', () => {
  for (const nth of [1, 2, 3, 5, 9, 30]) {
    test(`from the ${nth}. time on, what was acknowledged is there, and what was rejected is there in order or not at all`, async () => {
      const dir = temporary()
      const { refused, acked, rejected, status } = await withFailing('fdatasync', nth, dir)
      if (refused !== undefined) expect(refused).toBe('SESSIONLOG_IO_ERROR')
      else {
        expect(status).toBe('failed')
        expect(rejected.length).toBeGreaterThan(0)
        for (const { code } of rejected) expect(code).toBe('SESSIONLOG_IO_ERROR')
      }
      const store = await create<State>({ dir })
      const events = await collect(store.events())
      expect(events.slice(0, acked.length).map(event => event.hash)).toEqual(
        acked.map(receipt => receipt.hash),
      )
      const found = events.slice(acked.length).map(event => event.eventId)
      expect(found).toEqual(rejected.slice(0, found.length).map(each => each.eventId))
      expect(await store.verify()).toMatchObject({ ok: true })
      for (const [index, { id, eventId, n }] of rejected.entries()) {
        const { deduplicated } = await store.save(id, { n } as State, { eventId })
        expect(deduplicated).toBe(index < found.length)
      }
      const ids = (await collect(store.events())).map(event => event.eventId)
      expect(ids).toEqual(Array.from({ length: ids.length }, (_, i) => `e${i + 1}`))
    })
  }

  for (const nth of [1, 3, 4, 5, 6, 7]) {
    test(`of files from the ${nth}. time on, every snapshot is whole, and what was not written is told`, async () => {
      const dir = temporary()
      const store = await create<State>({ dir })
      for (let n = 0; n < 4; n++) await store.save(`s${n}`, { n: 0, noise: noise(100) })
      await store.compact()
      await store.close()
      const before = filesIn(join(dir, 'sessions_v3'))
      const { refused, acked, compaction } = await withFailing('fsync', nth, dir)
      const after = filesIn(join(dir, 'sessions_v3'))
      const written = [...after].filter(([name, bytes]) => !bytes.equals(before.get(name)!)).length
      if (refused !== undefined) expect(refused).toBe('SESSIONLOG_IO_ERROR')
      else if (typeof compaction === 'object') expect(compaction).toEqual({ problems: 4 - written, written })
      else expect(compaction).toBe('SESSIONLOG_IO_ERROR')
      expect(acked).toHaveLength(refused === undefined ? 300 : 0)
      expect([...after.keys()]).toEqual([...before.keys()])
      const again = await create<State>({ dir })
      expect(await again.verify()).toMatchObject({ ok: true, snapshots: 4, position: 4 + acked.length })
      expect((await again.compact()).problems).toEqual([])
    })
  }
})

function small(path: string, kilobytes: number): SmallDisk {
  const disk = new SmallDisk(path, kilobytes)
  onTestFinished(() => disk.unmount())
  return disk
}

/** A store on a small disk of its own, with more than enough to free on it. */
async function smallStore(options: Partial<StoreOptions<State>> = {}) {
  const disk = small(temporary(), 8000)
  const dir = join(disk.path, 'data')
  disk.fill(1500)
  return { disk, dir, store: await create<State>({ dir, ...options }) }
}

/** Saves in bursts over several sessions until the disk is full. Receipts and rejections are in the order of the calls. */
async function untilFull() {
  const logger = new RecordingLogger()
  const { disk, dir, store } = await smallStore({ logger })
  const acked: Receipt[] = []
  const rejected: { id: string; state: State; eventId: string; code: string }[] = []
  const written = new Map<string, State>()
  const watched: unknown[] = []
  const committed: RecordedEvent[] = []
  let commitsError: unknown
  store.watch('s0').subscribe(state => void watched.push(state))
  store.commits.subscribe({
    next: events => void committed.push(...events),
    error: error => {
      commitsError = error
    },
  })
  for (let n = 0; store.status === 'open'; ) {
    const burst = Array.from({ length: 5 }, async (_, i) => {
      const [id, state, eventId] = [`s${i}`, { n: ++n, noise: noise(3000) }, `e${n}`] as const
      try {
        const receipt = await store.save(id, state, { eventId })
        acked.push(receipt)
        written.set(receipt.hash, state)
      } catch (error) {
        rejected.push({ id, state, eventId, code: (error as { code: string }).code })
      }
    })
    await Promise.all(burst)
  }
  return {
    store,
    disk,
    dir,
    acked,
    rejected,
    written,
    watched,
    committed,
    logged: logger.errors,
    commitsError: () => commitsError,
  }
}

/** Base64 of random bytes: nothing that LevelDB could compress by much. */
function noise(bytes: number): string {
  return randomBytes(bytes).toString('base64')
}

function bySession(receipts: readonly Receipt[]): Map<string, Receipt[]> {
  const sessions = new Map<string, Receipt[]>()
  for (const receipt of receipts) {
    if (!sessions.has(receipt.sessionId)) sessions.set(receipt.sessionId, [])
    sessions.get(receipt.sessionId)!.push(receipt)
  }
  return sessions
}

/** Every snapshot is as it was or a whole new one, and no temporary is left. */
function expectWhole(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>): void {
  expect([...after.keys()]).toEqual([...before.keys()])
  for (const [name, bytes] of after) {
    if (bytes.equals(before.get(name)!)) continue
    expect(JSON.parse(bytes.toString()), name).toMatchObject({
      version: 2,
      sessionId: name.replace('.json', ''),
    })
  }
}

/** Runs a process that writes, in which the `nth` such call and all after it fail. */
async function withFailing(call: 'fsync' | 'fdatasync', nth: number, dir: string): Promise<Outcome> {
  const inject = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:error=EIO:when=${nth}+`,
  ]
  const script = fileURLToPath(new URL('../support/tmpfs-failing-sync.ts', import.meta.url))
  const node = [process.execPath, '--import', 'tsx', script, dir, 'compacts']
  // Calls are counted in each thread for itself: so there is to be only one.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn('strace', [...inject, ...node], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(code).toBe(0)
  return JSON.parse(said) as Outcome
}
