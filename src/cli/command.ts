import { Command } from 'commander'
import { SessionlogTypeError } from '../index.ts'
import type { Context } from './context.ts'
import type { ExitCode } from './exit-code.ts'
import { parseTime } from './text.ts'

/** Does a command's work in the context that its options make. */
export type Run = (command: Command, task: (context: Context) => Promise<ExitCode>) => Promise<void>

/** A command with the options that all have, so that they can stand before its name or after it. */
export function newCommand(usage: string, description: string): Command {
  const [name = '', ...args] = usage.split(' ')
  const command = withCommonOptions(new Command(name).description(description))
  for (const each of args) command.argument(each)
  return command
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('-d, --dir <path>', 'directory of the store (default: "data")')
    .option('--json', 'one JSON value a line, for programs')
}

/** An integer argument. Commander's own errors carry no code. */
export function integer(name: string, min: number): (text: string) => number {
  return text => {
    const number = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= min) return number
    throw new SessionlogTypeError(`${name} must be an integer >= ${min}, not '${text}'`, name)
  }
}

/** An option that may be given several times. */
export function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}

/** A time argument: ISO 8601, or ms since the epoch. */
export function time(name: string): (text: string) => number {
  return text => {
    const ms = parseTime(/^-?\d{5,}$/.test(text) ? Number(text) : text)
    if (ms !== undefined) return ms
    throw new SessionlogTypeError(
      `${name} must be an ISO 8601 time or ms since the epoch, not '${text}'`,
      name,
    )
  }
}
