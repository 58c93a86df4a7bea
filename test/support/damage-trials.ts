import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Chance } from './damage.ts'
import type { Damage, Report } from './damage-child.ts'

/** A byte changed somewhere in one of the files: half of the time by a single bit. */
export function someDamage(files: ReadonlyMap<string, Buffer>, pattern: RegExp, chance: Chance): Damage {
  const file = chance.of([...files.keys()].filter(name => pattern.test(name) && files.get(name)!.length > 0))
  const at = chance.below(files.get(file)!.length)
  return { file, at, mask: chance.once(2) ? 1 << chance.below(8) : 1 + chance.below(255) }
}

export interface Trials {
  readonly reports: Report[]
  /** Damages at which LevelDB ended the process: it is compiled with its assertions. */
  readonly aborted: Damage[]
}

/** Tries each damage on a fresh copy of the store. Throws where a process ends for another reason than LevelDB's. */
export async function tryDamages(from: string, scratch: string, damages: readonly Damage[]): Promise<Trials> {
  const trials: Trials = { reports: [], aborted: [] }
  for (let done = 0; done < damages.length; done = trials.reports.length + trials.aborted.length) {
    const orders = join(scratch, 'orders.json')
    writeFileSync(orders, JSON.stringify({ from, to: join(scratch, 'copy'), damages: damages.slice(done) }))
    const script = fileURLToPath(new URL('damage-child.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', script, orders], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [said, complained, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    const reports = said.split('\n').filter(line => line.endsWith('}'))
    trials.reports.push(...reports.map(line => JSON.parse(line) as Report))
    if (code === 0) continue
    const damage = damages[trials.reports.length + trials.aborted.length]!
    if (signal !== 'SIGABRT' || !/leveldb.*Assertion/.test(complained))
      throw new Error(`At ${JSON.stringify(damage)} the process ended with ${signal ?? code}: ${complained}`)
    trials.aborted.push(damage)
  }
  return trials
}
