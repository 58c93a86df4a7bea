import { expect, test } from 'vitest'
import { checkHistory, ProcessTorture } from '../support/process-torture.ts'
import { create, temporary } from '../support/store.ts'

const STEPS = 60

/** `npm run torture -- --only processes` is the long form. */
test('Processes that write, compact, back up, and are killed, stopped and closed, lose and double nothing', async () => {
  const seed = Number(process.env.SESSIONLOG_SEED ?? Date.now() % 2 ** 31)
  console.log(`seed ${seed}`)
  const torture = new ProcessTorture({ dir: temporary(), processes: 3, seed })
  await torture.run(STEPS)
  console.log(JSON.stringify(torture.tally))
  expect(torture.tally.acked).toBeGreaterThan(0)
  await checkHistory(await create({ dir: torture.dir }), torture.acked)
})
