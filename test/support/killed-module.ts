import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a JavaScript module in a process of its own, which imports the sources as `/src/…` from the project's root, and
 * kills it once it has printed so many lines. Answers with all that it printed, a JSON text a line.
 */
export async function killAfter<T>(lines: number, source: string): Promise<T[]> {
  const module = source.replaceAll("'/", `'${root}`)
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', module], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const printed: T[] = []
  for await (const line of createInterface(child.stdout)) {
    printed.push(JSON.parse(line) as T)
    if (printed.length === lines) child.kill('SIGKILL')
  }
  const [code, signal] = await ended
  if (signal !== 'SIGKILL') throw new Error(`The process ended by itself: ${signal ?? `exit code ${code}`}`)
  return printed
}
