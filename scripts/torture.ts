import { Rounds } from '../test/support/killed-child-rounds.ts'

const r = new Rounds({ seed: +(process.argv[2] ?? 1), acksMax: 2000, lifetime: 25 })
const t = performance.now()
try {
  for (let i = 0; i < +(process.argv[3] ?? 30); i++) {
    await r.run()
  }
} catch (e) {
  console.log('FAILED in', r.dir, e, r.tally)
  process.exit(1)
}
console.log(r.tally, (performance.now() - t) / 1000)
r.end()
