import { spreadOf } from '../figures.ts'
import { atLeast, type Bench, type Measure, oursAtMost, type Row } from '../measure.ts'
import { fileEvent, fileState } from '../peers/bare-file.ts'
import { level } from '../peers/level.ts'
import { lmdbState } from '../peers/lmdb.ts'
import { sqliteEvent, sqliteSingle, sqliteState } from '../peers/sqlite.ts'
import { sessionlog } from '../sessionlog.ts'
import { busyPercent, callers, start, type Worker } from '../sides.ts'
import { Workload } from '../workload.ts'
import { against } from './compare.ts'

const ONE = 'durable saves/s, one caller awaiting each'
const MANY = 'durable saves/s, 64 callers each awaiting their own'

export const callerRow: Row = {
  name: 'callers',
  about: 'one caller awaiting each save, and 64 who each await their own',
  async run(bench: Bench): Promise<Measure[]> {
    const one = (worker: Worker) => callers(worker, 1)
    const many = (worker: Worker) => callers(worker, 64)
    const measures: Measure[] = []
    const alone = [
      { kind: level, must: atLeast(0.8) },
      { kind: lmdbState, must: atLeast(1.2) },
      { kind: sqliteSingle },
    ]
    for (const peer of alone) measures.push(await against(bench, { measure: ONE, side: one, ...peer }))
    measures.push(await busy(bench))
    const together = [
      { kind: fileEvent, must: atLeast(0.5) },
      { kind: fileState, must: atLeast(0.5) },
      { kind: sqliteEvent, must: atLeast(1.5) },
      { kind: sqliteState, must: atLeast(1.5) },
      { kind: lmdbState },
    ]
    for (const peer of together) measures.push(await against(bench, { measure: MANY, side: many, ...peer }))
    return measures
  },
}

/** The saves are made before the clock starts, so that what is busy is the store. */
async function busy(bench: Bench): Promise<Measure> {
  bench.say(`${ONE}: event loop`)
  const { peer, work, close } = await start(sessionlog, new Workload(100))
  const rounds: number[] = []
  for (let round = -1; round < bench.rounds; round++) {
    const saves = work.next(bench.quick ? 200 : 500)
    const percent = await busyPercent(async () => {
      for (const save of saves) await peer.single(save)
    })
    if (round >= 0) rounds.push(percent)
  }
  await close()
  return {
    measure: `${ONE}: event loop busy`,
    unit: '%',
    ours: spreadOf(rounds).median,
    must: oursAtMost(50),
  }
}
