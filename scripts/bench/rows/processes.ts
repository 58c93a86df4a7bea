import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { quantile, spreadOf } from '../figures.ts'
import { atLeast, atMost, type Bench, type Measure, type Row } from '../measure.ts'
import { together } from '../peers/peer.ts'
import { discard, scratch } from '../places.ts'
import { alternate, compared, type Side } from '../rounds.ts'
import { ENTRY, loadStore, peerOf, type Store } from '../sessionlog.ts'
import { bursts, callers, type Worker } from '../sides.ts'
import { assigned, type Save, type State, Workload } from '../workload.ts'

const SESSIONS = 100
const READS = 100_000
const HANDOVERS = 7
const COMPACTED_SESSIONS = 2000
const PACE_MS = 5
/** A p99 needs more saves than a slice has. */
const LATENCY_SLICES = 3

/** A follower beside the owner of a store; what a change of owner and a compaction cost those who save. */
export const processRow: Row = {
  name: 'processes',
  about: 'a follower beside an owner, a killed owner, and saves while the store is compacted',
  async run(bench: Bench): Promise<Measure[]> {
    return [...(await following(bench)), await handover(bench), await compacting(bench)]
  },
}

async function following(bench: Bench): Promise<Measure[]> {
  bench.say('a follower beside an owner')
  const [followed, owned] = [scratch('followed'), scratch('owned')]
  const openStore = await loadStore()
  const owner = await startOwner(followed)
  const follower = await openStore<State>({ dir: followed })
  const store = await openStore<State>({ dir: owned })
  const { rounds, sliceMs } = bench.sustained
  const saves = await alternate(bursts(workerOf(follower)), bursts(workerOf(store)), rounds, sliceMs)
  const single = await alternate(callers(workerOf(follower), 1), callers(workerOf(store), 1), rounds, sliceMs)
  const gets = await alternate(readsOf(follower), readsOf(store), bench.rounds, bench.sliceMs)
  await follower.close()
  await store.close()
  await stop(owner)
  for (const dir of [followed, owned]) discard(dir)
  const against = 'the owner of a store'
  return [
    row('durable saves/s of a follower, bursts of 1,000', 'saves/s', against, saves, atLeast(0.5)),
    row('one caller who awaits each save, at a follower', 'saves/s', against, single),
    row('get() at a follower', 'ns', against, gets, atMost(1.1)),
  ]
}

function row(
  measure: string,
  unit: string,
  against: string,
  { a, b, ratio }: Awaited<ReturnType<typeof alternate>>,
  must?: Measure['must'],
): Measure {
  return { measure, unit, ours: a, against, peer: b, ratio, must }
}

/** From the kill until a save of a follower's is on the disk; its log has some thousand events. */
async function handover(bench: Bench): Promise<Measure> {
  bench.say('a killed owner')
  const openStore = await loadStore()
  const figures: number[] = []
  for (let round = 0; round < HANDOVERS; round++) {
    const dir = scratch('handover')
    const owner = await startOwner(dir)
    const follower = await openStore<State>({ dir })
    await bursts(workerOf(follower))(100)
    const startMs = performance.now()
    owner.kill('SIGKILL')
    await follower.save('after', new Workload(1).next(1)[0]!.state)
    figures.push(performance.now() - startMs)
    await follower.close()
    discard(dir)
  }
  const { median, min, max } = spreadOf(figures)
  const note = `${min.toFixed(0)} to ${max.toFixed(0)} ms, of ${HANDOVERS}`
  return { measure: 'from SIGKILL of the owner until a follower has saved', unit: 'ms', ours: median, note }
}

/** A save every few ms, each timed until it is durable, with a whole compaction going on beside it and without. */
async function compacting(bench: Bench): Promise<Measure> {
  bench.say('saves while the store is compacted')
  const dir = scratch('compacted')
  const openStore = await loadStore()
  const store = await openStore<State>({ dir, compactEvery: 0 })
  const work = new Workload(COMPACTED_SESSIONS)
  await together(work.next(COMPACTED_SESSIONS), save => store.save(save.id, save.state))
  const rounds: { a: number; b: number }[] = []
  for (let round = -1; round < bench.sustained.rounds; round++) {
    const quiet = await latencies(store, work, bench.sustained.sliceMs * LATENCY_SLICES)
    let done = false
    const compactions = (async () => {
      while (!done) await store.compact({ full: true })
    })()
    const busy = await latencies(store, work, bench.sustained.sliceMs * LATENCY_SLICES)
    done = true
    await compactions
    if (round >= 0) rounds.push({ a: quantile(busy, 0.99), b: quantile(quiet, 0.99) })
  }
  await store.close()
  discard(dir)
  const measured = compared(rounds)
  const measure = 'p99 of a save until it is durable, while the store is compacted whole again and again'
  return row(measure, 'ms', 'the same without', measured, atMost(3))
}

async function latencies(store: Store<State>, work: Workload, forMs: number): Promise<number[]> {
  const took: Promise<number>[] = []
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const [{ id, state, change }] = work.next(1) as [Save]
    const next = change === undefined ? state : assigned(store.get(id) ?? state, change)
    const startMs = performance.now()
    took.push(store.save(id, next).then(() => performance.now() - startMs))
    await new Promise(resolve => setTimeout(resolve, PACE_MS))
  }
  return Promise.all(took)
}

function workerOf(store: Store<State>): Worker {
  return { peer: peerOf(store), work: new Workload(SESSIONS), close: () => store.close() }
}

/** Nanoseconds a read. */
function readsOf(store: Store<State>): Side {
  const ids = [...store.ids()]
  let found = 0
  return async sliceMs => {
    let read = 0
    const startMs = performance.now()
    while (performance.now() - startMs < sliceMs) {
      for (let n = 0; n < READS; n += ids.length)
        for (const id of ids) if (store.get(id) !== undefined) found++
      read += READS
    }
    if (found === 0) throw new Error('Nothing was read')
    return ((performance.now() - startMs) / read) * 1e6
  }
}

/** A process that holds a store. */
async function startOwner(dir: string): Promise<ChildProcess> {
  const code = `
    import { openStore } from ${JSON.stringify(ENTRY)}
    await openStore({ dir: ${JSON.stringify(dir)} })
    console.log('open')
    process.stdin.resume().on('end', () => process.exit())`
  const args = ['--input-type=module', '--eval', code]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout!, 'data')
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  child.stdin!.end()
  await once(child, 'exit')
}
