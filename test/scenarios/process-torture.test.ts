import { expect, test } from 'vitest'
import { checkHistory, ProcessTorture } from '../support/process-torture.ts'
import { create, temporary } from '../support/store.ts'

const STEPS = 60

/**
 * Only where SESSIONLOG_LONG=1 is set: one run in a dozen did not come to its end, for a reason not found yet.
 * `npm run torture -- --only processes` is the long form.
 */
test.runIf(process.env.SESSIONLOG_LONG === '1')(
  'Processes that write, compact, back up, and are killed, stopped and closed, lose and double nothing',
  async () => {
    const seed = Number(process.env.SESSIONLOG_SEED ?? Date.now() % 2 ** 31)
    console.log(`seed ${seed}`)
    const torture = new ProcessTorture({ dir: temporary(), processes: 3, seed })
    await torture.run(STEPS)
    console.log(JSON.stringify(torture.tally))
    expect(torture.tally.acked).toBeGreaterThan(0)
    await checkHistory(await create({ dir: torture.dir }), torture.acked)
  },
)
