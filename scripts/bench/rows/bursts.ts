import { atLeast, type Bench, type Measure, type Row } from '../measure.ts'
import { fileState } from '../peers/bare-file.ts'
import { emmett } from '../peers/emmett.ts'
import { level } from '../peers/level.ts'
import { lmdbState } from '../peers/lmdb.ts'
import { seedQueue } from '../peers/seed.ts'
import { sessionFileStore } from '../peers/session-file-store.ts'
import { sqliteEvent, sqliteState, sqliteTuned } from '../peers/sqlite.ts'
import { bursts } from '../sides.ts'
import { against } from './compare.ts'

const MEASURE = 'durable saves/s, bursts of 1,000 un-awaited saves'

/** 100 sessions, one field changed a save. */
export const burstRow: Row = {
  name: 'bursts',
  about: 'bursts of 1,000 un-awaited saves over 100 sessions, beside every peer',
  async run(bench: Bench): Promise<Measure[]> {
    const peers = [
      { kind: level, must: atLeast(0.45), note: 'to be told: how near 0.7 can be had' },
      { kind: sqliteEvent, must: atLeast(1) },
      { kind: sqliteState, must: atLeast(5) },
      { kind: sqliteTuned },
      { kind: lmdbState, must: atLeast(2) },
      { kind: fileState, must: atLeast(1.3) },
      { kind: seedQueue, must: atLeast(30) },
      { kind: sessionFileStore },
      { kind: emmett },
    ]
    const measures: Measure[] = []
    for (const peer of peers) measures.push(await against(bench, { measure: MEASURE, side: bursts, ...peer }))
    const measure = `${MEASURE}, every state a fresh object`
    measures.push(await against(bench, { measure, kind: level, side: bursts, origin: 'fresh' }))
    return measures
  },
}
