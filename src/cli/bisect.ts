import type { Command } from 'commander'
import { nameOf } from '../event.ts'
import { type Bisection, type Predicate, SessionlogTypeError } from '../index.ts'
import { describeEach } from './change-text.ts'
import { integer, newCommand, type Run } from './command.ts'
import { type Context, headOf, type Reader, withReader } from './context.ts'
import { eventJson, valuesJson } from './event-json.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { commandPredicate, expressionPredicate, type Question } from './predicate.ts'
import { formatCount, formatTime, plural, printable } from './text.ts'

interface Options {
  expr?: string
  run?: string
  good?: number
  bad?: number
  skip?: number[]
}

const VERSIONS_TOLD_MAX = 10

const HELP = `
The expression sees \`state\` and \`event\`, and may await; 'skip' says that it can't tell. A state without what it asks
for is best met by ?. as in state.cart?.total < 0; an expression that throws ends the search.

The command gets each state as JSON on standard input; SESSIONLOG_VERSION is its version, and SESSIONLOG_ENCODING is
"tagged" where the state holds what JSON lacks. Its exit code is read as by git bisect run: 0 good, 125 skip, 1 to 127
bad; anything else ends the search. What it prints goes to standard error.`

export function bisectCommand(run: Run): Command {
  const list = (text: string) => text.split(',').map(integer('--skip', 0))
  return newCommand('bisect <id>', 'the first event at which something became true, by halving')
    .option('--expr <expression>', 'JavaScript that is true from the event on that is looked for')
    .option('--run <command>', 'a command that ends with 0 before that event, and with 1 from it on')
    .option('--good <version>', 'a version at which it is not true yet (default: 0)', integer('--good', 0))
    .option('--bad <version>', 'a version at which it is true (default: the last)', integer('--bad', 1))
    .option('--skip <versions>', 'versions that are not asked about, as in 3,4,7', list)
    .addHelpText('after', HELP)
    .action((id: string, options: Options, command: Command) =>
      run(command, context => {
        const question = questionOf(options, context)
        return withReader(context, reader => search(reader, context, id, question, options))
      }),
    )
}

function questionOf({ expr, run }: Options, { out, progress, signal }: Context): Question {
  if ((expr === undefined) === (run === undefined))
    throw new SessionlogTypeError('One of --expr and --run must be given', 'expr')
  const onWarning = (message: string) => {
    progress.end()
    out.note(`sessionlog: ${message}`)
  }
  if (run !== undefined) return commandPredicate(run, { signal, onWarning })
  return { predicate: expressionPredicate(expr!), assertAnswered: () => {} }
}

async function search(
  reader: Reader,
  context: Context,
  id: string,
  { predicate, assertAnswered }: Question,
  { good, bad, skip = [] }: Options,
): Promise<ExitCode> {
  headOf(reader, id)
  const { progress, signal } = context
  let asked = 0
  const observed: Predicate<unknown> = (state, event) => {
    progress.update(
      'Bisecting',
      asked,
      undefined,
      `version ${event.version}, ${plural(++asked, 'evaluation')}`,
    )
    return predicate(state, event)
  }
  const ends = { ...(good !== undefined && { good }), ...(bad !== undefined && { bad }) }
  const found = await reader.bisect(id, observed, { ...ends, skip, signal })
  progress.end()
  assertAnswered()
  if (context.json) await context.out.json(foundJson(id, found))
  else await tell(found, context)
  return EXIT.OK
}

/** The changes are the event's. */
function foundJson(
  session: string,
  { event, before, after, changes: _, ...found }: Bisection<unknown>,
): object {
  return { session, ...found, event: eventJson(event), ...valuesJson({ before, after }) }
}

async function tell(found: Bisection<unknown>, { out }: Context): Promise<void> {
  const { event, before, candidates, evaluations, contradictions } = found
  const row = (name: string, text: string) =>
    out.line(`${out.colors.dim(name.padEnd(12))} ${printable(text)}`)
  await row('version', formatCount(found.version))
  await row('when', formatTime(event.recordedAt))
  if (event.actor !== undefined) await row('who', nameOf(event.actor))
  await row('type', event.type)
  if (event.reason !== undefined) await row('why', event.reason)
  let name = 'what changed'
  for (const line of describeEach(event.changes, before)) {
    await row(name, line)
    name = ''
  }
  await row('evaluations', formatCount(evaluations.length))
  if (candidates.length > 1)
    await row(
      'candidates',
      `${versions(candidates)}: versions before this one were skipped, it may be any of these`,
    )
  if (contradictions.length > 0)
    await row(
      'doubtful',
      `it does not become true only once: at ${contradictions.length > 1 ? 'versions' : 'version'} ${contradictions
        .map(({ version, verdict }) => `${version} it is ${verdict}`)
        .join(', ')}`,
    )
}

function versions(list: readonly number[]): string {
  const more = list.length - VERSIONS_TOLD_MAX
  return list.slice(0, VERSIONS_TOLD_MAX).join(', ') + (more > 0 ? `, … ${more} more` : '')
}
