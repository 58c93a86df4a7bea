import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ROOT } from './places.ts'

/** A task for a process of its own: `tasks/<name>.ts` exports `run(input)`, and its answer must be JSON. */
export interface Task<Input, Output> {
  readonly name: string
  /** Only for the types: never called here. */
  readonly types?: (input: Input) => Output
}

export function task<Input, Output>(name: string): Task<Input, Output> {
  return { name }
}

/**
 * Runs a task in a fresh process, so that nothing is warm in it and its heap holds nothing else. Its modules are
 * loaded and its garbage collected before `run` is called.
 */
export async function fresh<Input, Output>(work: Task<Input, Output>, input: Input): Promise<Output> {
  const script = fileURLToPath(new URL('./fresh-main.ts', import.meta.url))
  const args = ['--expose-gc', '--max-old-space-size=6144', '--import', 'tsx', script, work.name]
  const child = spawn(process.execPath, [...args, JSON.stringify(input)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let answer = ''
  for await (const part of child.stdout) answer += part
  const marked = answer.lastIndexOf(MARK)
  if (marked === -1) throw new Error(`The task ${work.name} ended without an answer`)
  return JSON.parse(answer.slice(marked + MARK.length)) as Output
}

/** Stands before the answer, as a package may print too. */
export const MARK = '\nanswer: '
