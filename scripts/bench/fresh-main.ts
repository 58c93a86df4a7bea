/**
 * The child's side of fresh.ts: loads one task, runs it, and answers on standard output.
 */
import { writeSync } from 'node:fs'
import { MARK } from './fresh.ts'

const [, , name, input] = process.argv
const { run } = (await import(`./tasks/${name}.ts`)) as { run: (input: unknown) => Promise<unknown> }
globalThis.gc?.()
const answer = (await run(JSON.parse(input!))) ?? null
writeSync(1, MARK + JSON.stringify(answer))
// Whatever a task left open is no reason to stay.
process.exit(0)
