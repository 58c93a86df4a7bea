/**
 * Measures sessionlog beside its peers, all in one run, and prints a table of ratios.
 *
 *   npm ci --prefix scripts/bench     the peers, once
 *   npm run bench -- [--only NAME]… [--quick] [--rebuild] [--out FILE]
 *
 * It reports and never fails on a slow figure.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bench, Measure, Row } from './measure.ts'
import { DATA, sweep } from './places.ts'
import { reportOf, tableOf, writeJson } from './report.ts'
import { burstRow } from './rows/bursts.ts'
import { callerRow } from './rows/callers.ts'
import { callRow } from './rows/calls.ts'
import { editRow } from './rows/edits.ts'
import { expressRow } from './rows/express.ts'
import { hashRow } from './rows/hashing.ts'
import { keepingRow } from './rows/keeping.ts'
import { memoryRow, openRow, rebuildRow } from './rows/opening.ts'
import { optionRow } from './rows/options.ts'
import { processRow } from './rows/processes.ts'
import { sessionRow } from './rows/sessions.ts'
import { textRow } from './rows/text.ts'
import { travelRow } from './rows/travel.ts'
import { verifyRow } from './rows/verifying.ts'
import { build, sessionlog } from './sessionlog.ts'
import { warmUp } from './sides.ts'

const ROWS: readonly Row[] = [
  burstRow,
  sessionRow,
  callerRow,
  callRow,
  openRow,
  rebuildRow,
  memoryRow,
  textRow,
  travelRow,
  editRow,
  hashRow,
  verifyRow,
  optionRow,
  processRow,
  keepingRow,
  expressRow,
]

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    rebuild: { type: 'boolean', default: false },
    out: { type: 'string', default: join(DATA, 'bench.json') },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) help()
else await run()

async function run(): Promise<void> {
  const chosen = chosenRows(values.only.flatMap(names => names.split(',')))
  const bench: Bench = {
    quick: values.quick,
    rounds: values.quick ? 5 : 15,
    sliceMs: 100,
    sustained: values.quick ? { rounds: 3, sliceMs: 500 } : { rounds: 5, sliceMs: 2000 },
    rebuild: values.rebuild,
    say: line => process.stderr.write(`${line}\n`),
  }
  // Standard output is the table's: a peer that logs its troubles does so elsewhere.
  console.log = console.error
  sweep()
  build()
  bench.say('warming up')
  await warmUp(sessionlog, bench.quick ? 4000 : 6000)
  const measures: Measure[] = []
  for (const row of chosen) measures.push(...(await measured(row, bench)))
  sweep()
  const report = reportOf(measures, bench.quick)
  writeJson(values.out, report)
  process.stdout.write(`\n${tableOf(report)}`)
}

/** One row that can't be measured is a line that says so: the others are measured all the same. */
async function measured(row: Row, bench: Bench): Promise<Measure[]> {
  try {
    return await row.run(bench)
  } catch (error) {
    bench.say(String((error as Error).stack ?? error))
    return [{ measure: row.name, unit: '', note: `failed: ${(error as Error).message.split('\n')[0]}` }]
  }
}

function chosenRows(names: readonly string[]): readonly Row[] {
  const unknown = names.filter(name => !ROWS.some(row => row.name === name))
  if (unknown.length > 0) {
    console.error(`There is no row ${unknown.join(', ')}: --help lists them`)
    process.exit(2)
  }
  return names.length === 0 ? ROWS : ROWS.filter(row => names.includes(row.name))
}

function help(): void {
  const lines = ROWS.map(row => `  ${row.name.padEnd(10)} ${row.about}`)
  process.stdout.write(
    `npm run bench -- [--only NAME]… [--quick] [--rebuild] [--out FILE]\n\n${lines.join('\n')}\n`,
  )
}
