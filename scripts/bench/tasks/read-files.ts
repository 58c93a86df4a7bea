import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { State } from '../workload.ts'
import { type Opened, opening } from './memory.ts'

/** A JSON file a session, read one after the other: readFileSync is 3.6 times as quick here as its promises. */
export function run({ dir }: { dir: string }): Promise<Opened> {
  return opening(() => {
    const states = new Map<string, State>()
    for (const name of readdirSync(dir)) {
      const state = JSON.parse(readFileSync(join(dir, name), 'utf8')) as State
      states.set(name.slice(0, -'.json'.length), state)
    }
    return states
  })
}
