import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Bench, Measure, Row } from '../measure.ts'
import { together } from '../peers/peer.ts'
import { discard, scratch } from '../places.ts'
import { compared } from '../rounds.ts'
import { loadStore, type Store } from '../sessionlog.ts'
import { assigned, type State, Workload } from '../workload.ts'

const SESSIONS = 1000
const EVENTS = 200_000
const BATCH = 10_000

/** A backup of a running store beside a bare copy of its files, and what the archive makes of old events. */
export const keepingRow: Row = {
  name: 'keeping',
  about: 'a backup beside `cp -r`, and the archive',
  async run(bench: Bench): Promise<Measure[]> {
    const dir = scratch('kept')
    const openStore = await loadStore()
    const store = await openStore<State>({ dir, compactEvery: 0 })
    bench.say(`${EVENTS} events to keep`)
    await fill(store)
    await store.compact()
    const measures = [await backups(bench, store, dir), await archives(store)]
    await store.close()
    discard(dir)
    return measures
  },
}

async function fill(store: Store<State>): Promise<void> {
  const work = new Workload(SESSIONS)
  for (let saved = 0; saved < EVENTS; saved += BATCH)
    await together(work.next(BATCH), ({ id, state, change }) =>
      store.save(id, change === undefined ? state : assigned(store.get(id) ?? state, change)),
    )
}

/** The backup checks every hash and every root, and syncs what it writes; `cp` does neither. */
async function backups(bench: Bench, store: Store<State>, dir: string): Promise<Measure> {
  bench.say('backups')
  const rounds: { a: number; b: number }[] = []
  for (let round = -1; round < bench.sustained.rounds; round++) {
    const [ours, theirs] = [scratch('backup'), scratch('copy')]
    const a = await timed(() => store.backup(ours))
    const b = await timed(() => execFileSync('cp', ['-r', dir, join(theirs, 'copy')]))
    if (round >= 0) rounds.push({ a, b })
    for (const each of [ours, theirs]) discard(each)
  }
  const { a, b, ratio } = compared(rounds)
  const measure = `a whole backup of ${EVENTS.toLocaleString('en')} events`
  return { measure, unit: 'ms', ours: a, against: '`cp -r`, unchecked and not synced', peer: b, ratio }
}

async function archives(store: Store<State>): Promise<Measure> {
  const { events, bytesBefore, bytesAfter, durationMs } = await store.archive({ keepLast: 10 })
  const note = `${events.toLocaleString('en')} events in ${durationMs} ms, to ${Math.round((100 * bytesAfter) / bytesBefore)} % of their bytes`
  return { measure: 'archived events/s', unit: 'events/s', ours: events / (durationMs / 1000), note }
}

async function timed(task: () => unknown): Promise<number> {
  const startMs = performance.now()
  await task()
  return performance.now() - startMs
}
