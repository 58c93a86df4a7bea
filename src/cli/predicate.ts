import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { compileFunction } from 'node:vm'
import { type Predicate, SessionlogTypeError } from '../index.ts'
import { isPlainJson, toTaggedJson } from '../state/tagged-json.ts'

type Compiled = (state: unknown, event: unknown) => Promise<unknown>

/** What a JavaScript expression over `state` and `event` says, as truth; `'skip'` where it can't tell. */
export function expressionPredicate(expression: string): Predicate<unknown> {
  const evaluate = compile(expression)
  return async (state, event) => {
    const value = await evaluate(state, event).catch(cause => {
      const message = `The expression failed at version ${event.version}: ${String(cause)}`
      throw new SessionlogTypeError(message, 'expr')
    })
    return value === 'skip' ? 'skip' : Boolean(value)
  }
}

function compile(expression: string): Compiled {
  // The line break ends a comment that the expression may end with.
  const body = `'use strict'; return (async () => (${expression}\n))()`
  try {
    return compileFunction(body, ['state', 'event'], { filename: '--expr' }) as Compiled
  } catch (cause) {
    throw new SessionlogTypeError(`--expr is no JavaScript expression: ${String(cause)}`, 'expr')
  }
}

/** Where there are groups of processes the command gets one, so that what the shell started ends with the shell. */
const HAS_GROUPS = process.platform !== 'win32'
const SKIP = 125
const BAD_MAX = 127
/** What a shell ends with where a command cannot be run, or is not found. */
const NOT_RUN = [126, 127]

/** What a search asks of states. */
export interface Question {
  readonly predicate: Predicate<unknown>
  /** Fails where nobody has answered, whatever the answers looked like. */
  readonly assertAnswered: () => void
}

interface CommandOptions {
  readonly signal: AbortSignal
  /** Told once, where the command seems not to run any more. */
  readonly onWarning: (message: string) => void
}

/**
 * What a command's exit code says of the state that it is given as JSON on standard input, as `git bisect run` takes
 * it: 0 is good, 125 can't tell, 1 to 127 else is bad; anything else, or a signal, ends the search.
 */
export function commandPredicate(command: string, { signal, onWarning }: CommandOptions): Question {
  let warned = false
  let hasRun = false
  const predicate: Predicate<unknown> = async (state, { version }) => {
    const plain = isPlainJson(state)
    const input = `${JSON.stringify(plain ? state : toTaggedJson(state))}\n`
    const env = { SESSIONLOG_VERSION: `${version}`, SESSIONLOG_ENCODING: plain ? 'json' : 'tagged' }
    const [code, killedBy] = await runShell(command, input, env, signal)
    if (code === 0 || code === SKIP) {
      hasRun = true
      return code === SKIP ? 'skip' : false
    }
    if (code === null || code > BAD_MAX) {
      const how = code === null ? `was ended by ${killedBy}` : `ended with ${code}`
      throw new SessionlogTypeError(`The command ${how} at version ${version}`, 'run')
    }
    if (!NOT_RUN.includes(code)) hasRun = true
    else if (!warned) {
      warned = true
      onWarning(`the command ended with ${code}, which counts as bad: was it found, and can it be run?`)
    }
    return true
  }
  const assertAnswered = () => {
    if (!hasRun) throw new SessionlogTypeError('The command was not found, or cannot be run', 'run')
  }
  return { predicate, assertAnswered }
}

/** Only data goes to standard output: what the command writes to its own goes to standard error. */
async function runShell(
  command: string,
  input: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<[code: number | null, killedBy: NodeJS.Signals | null]> {
  signal.throwIfAborted()
  const child = spawn(command, {
    shell: true,
    stdio: ['pipe', 2, 2],
    env: { ...process.env, ...env },
    detached: HAS_GROUPS,
  })
  const stop = () => (HAS_GROUPS ? process.kill(-child.pid!) : child.kill())
  signal.addEventListener('abort', stop, { once: true })
  // A command need not read all of it, or any.
  child.stdin!.on('error', () => {})
  child.stdin!.end(input)
  try {
    const [code, killedBy] = await once(child, 'exit')
    signal.throwIfAborted()
    return [code, killedBy]
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
