import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface ChildOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a JavaScript module in a process of its own; it imports the sources as `/src/…` from the project's root. */
export async function inChild(source: string): Promise<ChildOutcome> {
  const module = source.replaceAll("'/", `'${root}`)
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', module], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const outcome = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', text => {
    outcome.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    outcome.stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, ...outcome }
}
