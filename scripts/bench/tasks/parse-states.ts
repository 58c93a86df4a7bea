import { readFileSync } from 'node:fs'
import type { State } from '../workload.ts'
import { type Opened, opening } from './memory.ts'

/** The quickest plain way: one file, one JSON.parse, a Map. */
export function run({ file }: { file: string }): Promise<Opened> {
  return opening(() => parsed(file))
}

/** The array of entries and the file's text are garbage once this returns. */
function parsed(file: string): Map<string, State> {
  const entries = JSON.parse(readFileSync(file, 'utf8')) as [string, State][]
  return new Map(entries)
}
