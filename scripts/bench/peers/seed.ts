import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { initialState, sessionId } from '../workload.ts'
import { type Peer, PeerAbsent, type PeerKind } from './peer.ts'

/** The seed's writer, and the other designs that were open to it: see seed.py. */
export type SeedMode = 'queue' | 'pool' | 'lock' | 'debounce'

const SESSIONS = 100

/** The seed in Python makes its own saves of the same states, so that a pipe's cost isn't its own. */
export function seed(mode: SeedMode, name: string): PeerKind {
  return { name, payload: 'state', open: dir => open(dir, mode) }
}

export const seedQueue = seed('queue', "the seed's design in Python")

async function open(dir: string, mode: SeedMode): Promise<Peer> {
  if (spawnSync('python3', ['--version']).status !== 0) throw new PeerAbsent('python3 absent')
  const states = join(dir, 'states.json')
  const entries = Array.from({ length: SESSIONS }, (_, index) => [sessionId(index), initialState(index)])
  writeFileSync(states, JSON.stringify(Object.fromEntries(entries)))
  const script = fileURLToPath(new URL('./seed.py', import.meta.url))
  const python = spawn('python3', [script, mode, join(dir, 'data', 'sessions_v3'), states], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  await answers.next()
  const run = async (count: number): Promise<void> => {
    python.stdin.write(`${count}\n`)
    if ((await answers.next()).done) throw new Error(`The seed's process ended: ${mode}`)
  }
  return {
    burst: saves => run(saves.length),
    single: () => run(1),
    async close() {
      python.stdin.end()
      if (python.exitCode === null) await new Promise(resolve => python.once('exit', resolve))
    },
  }
}
