/**
 * Kills a process that writes at full speed, again and again, and looks at what is left each time: the long form of
 * the crash tests. Run by `npm run torture -- [--rounds 500] [--minutes 30] [--seed N]`; the same seed makes the same
 * plans, though never the same moments. Exits with 1 where anything is lost, and keeps the directory.
 */
import { parseArgs } from 'node:util'
import { Rounds } from '../test/support/killed-child-rounds.ts'

/** How many receipts a process may be left to get at the most, and how many rounds a directory lives. */
const ACKS_MAX = 4000
const LIFETIME = 25

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '500' },
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const count = integer('rounds', 1)
const end = performance.now() + integer('minutes', 1) * 60_000
const rounds = new Rounds({ seed: integer('seed', 0), acksMax: ACKS_MAX, lifetime: LIFETIME })

console.log(`${count} rounds, at most ${values.minutes} minutes, --seed ${values.seed}`)
try {
  while (rounds.tally.rounds < count && performance.now() < end) {
    await rounds.run()
    if (rounds.tally.rounds % LIFETIME === 0) console.log(JSON.stringify(rounds.tally))
  }
  rounds.end()
  console.log(`${rounds.tally.rounds} rounds: nothing was lost\n${JSON.stringify(rounds.tally, null, 2)}`)
} catch (error) {
  rounds.end({ keep: true })
  console.error(
    `Round ${rounds.tally.rounds} with --seed ${values.seed} failed; its store is in ${rounds.dir}`,
  )
  console.error(error)
  process.exitCode = 1
}

/** No round at all, for the sake of a mistyped number, would look as if nothing was lost. */
function integer(name: keyof typeof values, min: number): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= min) return value
  console.error(`--${name} must be an integer >= ${min}, not '${values[name]}'`)
  process.exit(2)
}
