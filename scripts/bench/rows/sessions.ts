import { atLeast, type Bench, type Measure, type Row } from '../measure.ts'
import { alternate } from '../rounds.ts'
import { sessionlog } from '../sessionlog.ts'
import { bursts, start } from '../sides.ts'
import { Workload } from '../workload.ts'

/** How many sessions the same bursts are spread over: ours against ours. */
export const sessionRow: Row = {
  name: 'sessions',
  about: 'the same bursts over 1, 10 and 1,000 sessions, beside 100',
  async run(bench: Bench): Promise<Measure[]> {
    const measures: Measure[] = []
    for (const sessions of [1, 10, 1000]) {
      const measure = `the same with ${sessions.toLocaleString('en')} session${sessions === 1 ? '' : 's'}`
      bench.say(measure)
      const few = await start(sessionlog, new Workload(sessions))
      const usual = await start(sessionlog, new Workload(100))
      const { a, b, ratio } = await alternate(
        bursts(few),
        bursts(usual),
        bench.sustained.rounds,
        bench.sustained.sliceMs,
      )
      await few.close()
      await usual.close()
      const against = 'sessionlog with 100 sessions'
      measures.push({ measure, unit: 'saves/s', ours: a, against, peer: b, ratio, must: atLeast(0.7) })
    }
    return measures
  },
}
