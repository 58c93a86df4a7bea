import { writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { isOwnType } from '../event.ts'
import { type ReplayStep, SessionlogError, SessionlogTypeError } from '../index.ts'
import { isFile } from './bundle-path.ts'
import { integer, newCommand, type Run } from './command.ts'
import { type Context, headOf, type Reader, withReader } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { expressionPredicate } from './predicate.ts'
import { type Fixture, type Runner, testSource } from './repro-source.ts'
import { plural } from './text.ts'

interface Options {
  to: number
  from?: number
  out: string
  runner: string
  reducer?: string
  expr?: string
}

const HELP = `
The test holds the state before version M, the events M to N with their types and data, and the state after N, all as
source code: it needs neither the store nor this package. M is N where --from is not given, which is enough for a reducer:
it runs over these events. Without a reducer the test calls a function in it that is yours to fill in, and
fails until it is.

It asserts that the last state is the one that was recorded; with --expr, as given to bisect, that the expression is not
true of it. It has to be true of what was recorded: then the test fails until the bug is mended.`

export function reproCommand(run: Run): Command {
  return newCommand('repro <id>', 'write a regression test from a session')
    .requiredOption('--to <version>', 'the version that is wrong', integer('--to', 1))
    .option('--from <version>', 'the first event to replay', integer('--from', 1))
    .requiredOption('-o, --out <file>', 'where to write it; a file that is there is not replaced')
    .option('--runner <name>', 'vitest, or node for node:test', 'vitest')
    .option('--reducer <file>', 'a module whose default export, or `reducer`, makes the state after an event')
    .option('--expr <expression>', 'JavaScript over `state` that is true where it is wrong')
    .addHelpText('after', HELP)
    .action((id: string, options: Options, command: Command) =>
      run(command, context => withReader(context, reader => writeTest(reader, context, id, options))),
    )
}

async function writeTest(reader: Reader, context: Context, id: string, options: Options): Promise<ExitCode> {
  const { to, out: path, expr, reducer } = options
  const { from = to } = options
  const runner = runnerOf(options.runner)
  if (from > to) throw new SessionlogTypeError(`--from ${from} is after --to ${to}`, 'from')
  headOf(reader, id)
  // Refuses a version that is not there.
  await reader.stateAt(id, { version: to, signal: context.signal })
  const steps = await stepsOf(reader, id, from, to)
  if (reducer !== undefined) checkReducer(reducer, steps)
  if (expr !== undefined) await checkWrong(expr, steps.at(-1)!)
  const fixture: Fixture = {
    sessionId: id,
    origin: reader.origin,
    before: steps[0]!.before,
    events: steps.map(step => step.event),
    after: steps.at(-1)!.after,
    expr,
    reducer: reducer && importPath(reducer, path),
  }
  await write(path, testSource(fixture, runner))
  const { out, json } = context
  if (json) await out.json({ path, from, to, runner })
  else await out.line(`Wrote ${path}: ${plural(steps.length, 'event')} of session '${id}', for ${runner}`)
  return EXIT.OK
}

/** One that is not there, or that a test would run over events that no reducer has made, makes no test. */
function checkReducer(path: string, steps: readonly ReplayStep<unknown>[]): void {
  if (!isFile(path)) throw new SessionlogTypeError(`There is no file '${path}'`, 'reducer')
  const own = steps.find(({ event }) => isOwnType(event.type))?.event
  if (own === undefined) return
  const message = `Version ${own.version} is the store's own, ${own.type}: no reducer has made it`
  throw new SessionlogTypeError(message, 'reducer')
}

/** A test that the state is not wrong proves nothing where it is not. */
async function checkWrong(expr: string, { event, after }: ReplayStep<unknown>): Promise<void> {
  const isWrong = after !== undefined && (await expressionPredicate(expr)(after, event))
  if (isWrong === true) return
  const message = `At version ${event.version} it is not true: ${expr}`
  throw new SessionlogError('SESSIONLOG_BISECT_REFUSED', message, { version: event.version })
}

function runnerOf(name: string): Runner {
  if (name === 'vitest' || name === 'node') return name
  throw new SessionlogTypeError(`--runner is vitest or node, not '${name}'`, 'runner')
}

function stepsOf(reader: Reader, id: string, from: number, to: number): Promise<ReplayStep<unknown>[]> {
  const steps: ReplayStep<unknown>[] = []
  return new Promise((complete, error) => {
    reader.replay(id, { from, to }).subscribe({
      next: step => steps.push(step),
      error,
      complete: () => complete(steps),
    })
  })
}

/** As the test says it: relative to where that lies. */
function importPath(reducer: string, test: string): string {
  const path = relative(dirname(resolve(test)), resolve(reducer)).replaceAll('\\', '/')
  return path.startsWith('.') || isAbsolute(path) ? path : `./${path}`
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (cause) {
    const message = `Cannot write the test: ${(cause as Error).message}`
    throw new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause, path })
  }
}
