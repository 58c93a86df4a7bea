import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface Killed {
  readonly pid: number
  /** How long it had been saving. */
  readonly ms: number
  /** What it had been told to be durable: each save's version, and its hash. */
  readonly acknowledged: ReadonlyMap<number, string>
}

/** How many acknowledgements to wait for, and how long at most to wait on from there, so that no two kills are alike. */
const ACKNOWLEDGED_MIN = 1000
const DELAY_MS_MAX = 150

/** Starts a process that saves without end, and kills it while it does. */
export async function killInMidBurst(dir: string): Promise<Killed> {
  const script = fileURLToPath(new URL('story-burst.ts', import.meta.url))
  // The arguments of this process bring the loader for TypeScript along.
  const child = spawn(process.execPath, [...process.execArgv, script, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const acknowledged = new Map<number, string>()
  const exited = once(child, 'exit')
  let startedAt = 0
  let killedAfter = 0
  for await (const line of createInterface({ input: child.stdout })) {
    startedAt ||= performance.now()
    const [, version, hash] = /^(\d+) ([0-9a-f]{64})$/.exec(line) ?? []
    // The last line may have been cut by the kill.
    if (version === undefined || hash === undefined) continue
    acknowledged.set(Number(version), hash)
    if (acknowledged.size !== ACKNOWLEDGED_MIN) continue
    delay(Math.random() * DELAY_MS_MAX).then(() => {
      killedAfter = performance.now() - startedAt
      child.kill('SIGKILL')
    })
  }
  const [code] = await exited
  if (code !== null) throw new Error(`The process that was to be killed ended by itself, with ${code}`)
  return { pid: child.pid!, ms: killedAfter, acknowledged }
}
