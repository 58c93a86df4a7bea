import { expect, test } from 'vitest'
import { checkHistory, ProcessTorture } from '../support/process-torture.ts'
import { create, temporary } from '../support/store.ts'
import { StoreProcess } from '../support/workers.ts'

const STEPS = 60
/** Of a torture whose first step kills a process, at the next acknowledgement. */
const KILLS_FIRST = 54

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

test('The torture comes to its end where it kills a process before anything was asked for', async () => {
  const torture = new ProcessTorture({ dir: temporary(), processes: 2, seed: KILLS_FIRST })
  await torture.run(1)
  expect(torture.tally).toMatchObject({ bursts: 0, kills: 1 })
})

test('A process that ends by itself fails whoever waits for it', async () => {
  const one = await StoreProcess.open(temporary())
  const asked = one.call('exit', 7)
  await expect(asked).rejects.toThrow('ended by itself: exit code 7')
  await expect(one.call('flush')).rejects.toThrow('ended by itself')
  await expect(one.untilAcked(1)).rejects.toThrow('ended by itself')
  await expect(one.kill()).rejects.toThrow('ended by itself')
})
