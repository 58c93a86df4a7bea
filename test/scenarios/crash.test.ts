import { afterAll, describe, expect, test } from 'vitest'
import { canTrace, Rounds } from '../support/killed-child-rounds.ts'

const seed = Number(process.env.SESSIONLOG_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`Crash tests: SESSIONLOG_SEED=${seed}`)
if (!canTrace)
  console.log('SKIP killed in a call: no right to trace a process here, or nothing to do it with')

const ROUNDS = 32
/** How many rounds a directory lives. */
const LIFETIME = 16

describe('A process that saves at full speed and is killed', () => {
  const rounds = new Rounds({ seed, acksMax: 1500, lifetime: LIFETIME })
  afterAll(() => rounds.end())

  test(`${ROUNDS} times at any moment, loses no acknowledged save, leaves no half commit and no gap, and keeps nobody out`, async () => {
    for (let round = 0; round < ROUNDS; round++) await rounds.run()
    console.log(JSON.stringify(rounds.tally))
    const { kills, acked, retried } = rounds.tally
    // What was tested at all: a kill in each kind of moment, after real work.
    for (const moment of ['saving', 'compacting']) expect(kills[moment]).toBeGreaterThan(0)
    expect(acked).toBeGreaterThan(ROUNDS)
    expect(retried).toBeGreaterThan(0)
  })
})

describe.skipIf(!canTrace)('A process that opens, saves, compacts and closes, and is killed', () => {
  const rounds = new Rounds({ seed, acksMax: 1, lifetime: 1000 })
  afterAll(() => rounds.end())
  const calls = [
    ['renaming a file', '?rename,?renameat,?renameat2', [1, 2, 3, 5]],
    ['removing a file', '?unlink,?unlinkat', [1, 2, 4]],
    ['syncing a file or a directory', 'fsync', [2, 4, 6]],
    ['syncing the log', 'fdatasync', [1, 2, 3, 6]],
  ] as const
  for (const [name, call, moments] of calls) {
    test(`while ${name}, at one time after the other, loses nothing either`, async () => {
      let killed = 0
      for (const nth of moments) if (await rounds.runToCall(call, nth)) killed++
      expect(killed).toBeGreaterThan(1)
    })
  }
})
