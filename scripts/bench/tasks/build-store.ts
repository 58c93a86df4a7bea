import { mkdirSync, renameSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { type History, storeDir } from '../history.ts'
import { CACHE, discard } from '../places.ts'
import { loadStore } from '../sessionlog.ts'
import { type State, Workload } from '../workload.ts'

const BURST = 10_000

/** Builds a compacted store, save by save, as an app would have. Answers with the seconds it took. */
export async function run(history: History): Promise<{ savingS: number; compactingS: number }> {
  const building = `${storeDir(history)}.building`
  discard(building)
  discard(storeDir(history))
  mkdirSync(CACHE, { recursive: true })
  const openStore = await loadStore()
  const store = await openStore<State>({ dir: building, compactEvery: 0 })
  const { sessions, events, turns } = history
  const startMs = performance.now()
  for (let first = 0; first < sessions; first += turns) {
    const work = new Workload(turns, 'shared', first)
    const due = (events / sessions) * turns
    for (let saved = 0; saved < due; saved += BURST) {
      const saves = work.next(Math.min(BURST, due - saved))
      await Promise.all(saves.map(save => store.save(save.id, save.state)))
    }
  }
  const savedMs = performance.now()
  await store.compact()
  await store.close()
  // A build that was killed is never taken for a store.
  renameSync(building, storeDir(history))
  return { savingS: (savedMs - startMs) / 1000, compactingS: (performance.now() - savedMs) / 1000 }
}
