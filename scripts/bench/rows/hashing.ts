import { spreadOf } from '../figures.ts'
import { type Bench, type Measure, oursAtMost, type Row } from '../measure.ts'
import { type Profile, profiled } from '../profile.ts'
import { collectGarbage } from '../rounds.ts'
import { sessionlog } from '../sessionlog.ts'
import { bursts, start } from '../sides.ts'
import { Workload } from '../workload.ts'

const TOP = 15

/** Event hashes, the tree's inner hashes, and what calls them. */
const CHAIN = /\/log\/chain\.js$/
const OURS = /\/bench-build\//
/** Making the states is the caller's. */
const CALLER = /\/workload\.ts$/

export const hashRow: Row = {
  name: 'hashing',
  about: "hashing's share of a save, and the functions that bursts spend their time in",
  async run(bench: Bench): Promise<Measure[]> {
    bench.say('a CPU profile of bursts')
    const worker = await start(sessionlog, new Workload(100))
    await bursts(worker)(3000)
    const ofSave: number[] = []
    const ofThread: number[] = []
    let last: Profile | undefined
    for (let round = 0; round < 3; round++) {
      const groups = Array.from({ length: bench.quick ? 30 : 60 }, () => worker.work.next(1000))
      collectGarbage()
      last = await profiled(async () => {
        for (const saves of groups) await worker.peer.burst(saves)
      })
      const hashingUs = last.within(CHAIN)
      ofSave.push((hashingUs / (last.totalUs - last.within(CALLER))) * 100)
      ofThread.push((hashingUs / last.within(OURS)) * 100)
    }
    await worker.close()
    for (const { name, selfUs } of last!.functions.slice(0, TOP)) {
      bench.say(`${((selfUs / last!.busyUs) * 100).toFixed(1).padStart(6)} %  ${name}`)
    }
    const measure = "hashing's share of a save"
    return [
      { measure, unit: '%', ours: spreadOf(ofSave).median, must: oursAtMost(15) },
      { measure: `${measure}'s own time on the thread`, unit: '%', ours: spreadOf(ofThread).median },
    ]
  },
}
