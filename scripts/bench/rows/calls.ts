import { performance } from 'node:perf_hooks'
import { quantile } from '../figures.ts'
import { atMost, type Bench, type Measure, type Row } from '../measure.ts'
import { discard, scratch } from '../places.ts'
import { alternate, type Comparison, compared, type Side } from '../rounds.ts'
import { loadStore, type Store } from '../sessionlog.ts'
import { assigned, initialState, type Origin, type State, sessionId, Workload } from '../workload.ts'

const GET_SESSIONS = 10_000
const SAVES_A_ROUND = 2000
const SAVES_UNDER_WAY = 100

export const callRow: Row = {
  name: 'calls',
  about: 'time until save() returns beside structuredClone, get() beside Map.get',
  async run(bench: Bench): Promise<Measure[]> {
    const dir = scratch('calls')
    const openStore = await loadStore()
    const store = await openStore<State>({ dir })
    const measures = [
      await saveReturns(bench, store, 'shared'),
      await saveReturns(bench, store, 'fresh'),
      ...(await get(bench, store)),
    ]
    await store.close()
    discard(dir)
    return measures
  },
}

/** Each call is timed by itself, a clone of the same state right after its save. */
async function saveReturns(bench: Bench, store: Store<State>, origin: Origin): Promise<Measure> {
  bench.say('time until save() returns')
  const work = new Workload(100, origin)
  const rounds: { a: number; b: number }[] = []
  for (let round = -1; round < bench.rounds; round++) {
    const savesUs: number[] = []
    const clonesUs: number[] = []
    let underWay: Promise<unknown>[] = []
    for (const { id, state: made, change } of work.next(SAVES_A_ROUND)) {
      const state = change === undefined ? made : assigned(store.get(id) ?? made, change)
      const startMs = performance.now()
      underWay.push(store.save(id, state))
      const savedMs = performance.now()
      structuredClone(state)
      const clonedMs = performance.now()
      savesUs.push((savedMs - startMs) * 1000)
      clonesUs.push((clonedMs - savedMs) * 1000)
      if (underWay.length < SAVES_UNDER_WAY) continue
      await Promise.all(underWay)
      underWay = []
    }
    if (round >= 0) rounds.push({ a: quantile(savesUs, 0.5), b: quantile(clonesUs, 0.5) })
  }
  const { a, b, ratio } = compared(rounds)
  const against = 'structuredClone of the same state'
  return {
    measure: `time until save() returns, p50${origin === 'fresh' ? ', every state a fresh object' : ''}`,
    unit: 'µs',
    ours: a,
    against,
    peer: b,
    ratio,
    ...(origin === 'shared' && { must: atMost(0.4) }),
  }
}

/**
 * The same ids, as the same strings, in the same random order; the answer is looked at, and in the second row one
 * property of the state. Each side has a loop of its own, as callers have: in a shared one V8 would inline neither.
 */
async function get(bench: Bench, store: Store<State>): Promise<Measure[]> {
  bench.say('get()')
  const map = new Map<string, State>()
  for (let index = 0; index < GET_SESSIONS; index++) {
    const id = sessionId(index)
    map.set(id, initialState(index))
    void store.save(id, map.get(id)!)
  }
  await store.flush()
  const ids = shuffled([...map.keys()])
  let found = 0
  let open = 0
  const calls = await alternate(
    reads(ids.length, () => {
      for (const id of ids) if (store.get(id) !== undefined) found++
    }),
    reads(ids.length, () => {
      for (const id of ids) if (map.get(id) !== undefined) found++
    }),
    bench.rounds,
    bench.sliceMs,
  )
  const properties = await alternate(
    reads(ids.length, () => {
      for (const id of ids) if (store.get(id)!.status === 'open') open++
    }),
    reads(ids.length, () => {
      for (const id of ids) if (map.get(id)!.status === 'open') open++
    }),
    bench.rounds,
    bench.sliceMs,
  )
  if (found === 0 || open === 0) throw new Error('Nothing was read')
  return [
    { ...getMeasure('get()', calls), must: atMost(1.5) },
    getMeasure('get() and reading one property of the state', properties),
  ]
}

/** Nanoseconds a read. */
function reads(count: number, readAll: () => void): Side {
  return async sliceMs => {
    let read = 0
    const startMs = performance.now()
    while (performance.now() - startMs < sliceMs) {
      readAll()
      read += count
    }
    return ((performance.now() - startMs) / read) * 1e6
  }
}

function getMeasure(measure: string, { a, b, ratio }: Comparison): Measure {
  return { measure, unit: 'ns', ours: a, against: 'Map.get', peer: b, ratio }
}

/** Always the same shuffle. */
function shuffled<T>(values: T[]): T[] {
  let seed = 1
  for (let at = values.length - 1; at > 0; at--) {
    seed = (seed * 48_271) % 2_147_483_647
    const other = seed % (at + 1)
    const held = values[at]!
    values[at] = values[other]!
    values[other] = held
  }
  return values
}
