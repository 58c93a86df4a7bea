import type { Bench, Measure, Row } from '../measure.ts'
import { seed } from '../peers/seed.ts'
import { bursts } from '../sides.ts'
import { against } from './compare.ts'

const MEASURE = "the seed's options, bursts of 1,000 over 100 sessions"

/** What was open to the seed besides its queue, each in Python as the seed was. None keeps any history. */
export const optionRow: Row = {
  name: 'options',
  about: "the seed's other designs: four writer threads, lock files, debounce",
  async run(bench: Bench): Promise<Measure[]> {
    const options = [
      {
        kind: seed('pool', 'Python, 4 writer threads'),
        note: 'a lock a session; saves of one may land out of order',
      },
      { kind: seed('lock', 'Python, 4 writers, lock files'), note: 'a killed writer leaves its lock behind' },
      {
        kind: seed('debounce', 'Python, debounced 50 ms'),
        note: 'of 1,000 saves 100 reach the disk, none when killed',
      },
    ]
    const measures: Measure[] = []
    for (const option of options)
      measures.push(await against(bench, { measure: MEASURE, side: bursts, ...option }))
    return measures
  },
}
