import { performance } from 'node:perf_hooks'
import { atMost, type Bench, type Measure, type Row } from '../measure.ts'
import { discard, scratch } from '../places.ts'
import { alternate, type Side } from '../rounds.ts'
import { loadStore, type Store } from '../sessionlog.ts'
import { assigned, type State, Workload } from '../workload.ts'

const SHORT = 1_000
const LONG = 100_000
const AGAINST = `a session of ${SHORT.toLocaleString('en')} events`

/** The past of a session must not cost what its history is long. */
export const travelRow: Row = {
  name: 'travel',
  about: 'stateAt() and bisect() in a session of 100,000 events, beside one of 1,000',
  async run(bench: Bench): Promise<Measure[]> {
    const dir = scratch('travel')
    const openStore = await loadStore()
    const store = await openStore<State>({ dir, compactEvery: 0 })
    const long = bench.quick ? LONG / 10 : LONG
    bench.say(`Saving a session of ${long} events`)
    await fill(store, 'long', long)
    await fill(store, 'short', SHORT)
    await store.compact()
    const compare = (side: (id: string, events: number) => Side) =>
      alternate(side('long', long), side('short', SHORT), bench.rounds, bench.sliceMs)
    bench.say('stateAt()')
    const stateAt = await compare((id, events) => states(store, id, events))
    bench.say('bisect()')
    const bisect = await compare((id, events) => searches(store, id, events))
    await store.close()
    discard(dir)
    const name = `a session of ${long.toLocaleString('en')} events`
    return [
      { ...measureOf(`stateAt() of any version, ${name}`, stateAt), must: atMost(2) },
      // log2(100,000) is 1.7 times log2(1,000).
      { ...measureOf(`bisect(), ${name}`, bisect), must: atMost(3) },
    ]
  },
}

/** One session, one field changed a save. */
async function fill(store: Store<State>, id: string, events: number): Promise<void> {
  for (const { state, change } of new Workload(1).next(events)) {
    void store.save(id, change === undefined ? state : assigned(store.get(id) ?? state, change))
    if (store.version(id) % 1_000 === 0) await store.flush()
  }
  await store.flush()
}

function states(store: Store<State>, id: string, events: number): Side {
  let version = 1
  return timed(async () => {
    version = 1 + ((version * 48_271) % events)
    await store.stateAt(id, { version })
  })
}

function searches(store: Store<State>, id: string, events: number): Side {
  let first = 1
  return timed(async () => {
    first = 1 + ((first * 48_271) % events)
    const { version } = await store.bisect(id, (_, event) => event.version >= first)
    if (version !== first) throw new Error(`Found ${version}, not ${first}`)
  })
}

/** Microseconds a call, one after the other. */
function timed(call: () => Promise<void>): Side {
  return async sliceMs => {
    const startMs = performance.now()
    let calls = 0
    while (performance.now() - startMs < sliceMs) {
      await call()
      calls++
    }
    return ((performance.now() - startMs) / calls) * 1000
  }
}

function measureOf(measure: string, { a, b, ratio }: Awaited<ReturnType<typeof alternate>>): Measure {
  return { measure, unit: 'µs', ours: a, against: AGAINST, peer: b, ratio }
}
