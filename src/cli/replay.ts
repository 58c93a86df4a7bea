import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { wrong } from '../arguments.ts'
import { versionNotFound } from '../errors.ts'
import { nameOf } from '../event.ts'
import { type ReplayStep, SessionlogTypeError } from '../index.ts'
import { apply } from '../state/apply.ts'
import { describeChanges } from './change-text.ts'
import { checkReplays } from './check-replay.ts'
import { integer, newCommand, type Run } from './command.ts'
import { type Context, headOf, type Reader, withReader } from './context.ts'
import { eventJson, valuesJson } from './event-json.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { Player, type PlayerOptions } from './player.ts'
import { KEY_HELP } from './player-keys.ts'
import { PlayerSteps } from './player-steps.ts'
import { PlayerTerminal } from './player-terminal.ts'
import { formatCount, formatTime, printable } from './text.ts'

interface Options {
  from?: number
  to?: number
  speed?: number
  plain?: boolean
  check?: string
}

type Range = Pick<PlayerOptions, 'first' | 'last' | 'head'>

/** The longest that a timer can wait; a pause that is longer is cut to it. */
const PAUSE_MS_MAX = 2 ** 31 - 1

export function replayCommand(run: Run): Command {
  return newCommand(
    'replay [ids...]',
    "a session's events one by one, each with the state before and after it; on a terminal, a player of them",
  )
    .option('--from <version>', 'the first version', integer('--from', 1))
    .option('--to <version>', 'the last version', integer('--to', 1))
    .option('--speed <factor>', 'how much faster than recorded: 1 as it was, 10 ten times as fast', speed)
    .option('--plain', 'lines of text on a terminal too, not the player')
    .option(
      '--check <module>',
      'run a reducer over the events instead, and compare its states with those recorded',
    )
    .addHelpText('after', HELP)
    .action((ids: string[], options: Options, command: Command) =>
      run(command, context => withReader(context, reader => replayOrCheck(reader, context, ids, options))),
    )
}

const HELP = `
On a terminal the events are played on its screen, paused at first; --from and --to are the ends, --speed is the pace
(default: 1). Pauses of over 2 s are cut. The keys:

${KEY_HELP.map(line => `  ${line}`).join('\n')}

Else each event is a line of text that says what changed; --json gives the states too. Without --speed there are no
pauses then.

--check takes a module whose default export, or \`reducer\`, makes the state after an event of the state before it:
(state, event) => state. It checks the sessions that are named, or all that have a state, up to version --to, and ends
with 1 where one diverges. Events of the store's own are passed over.`

async function replayOrCheck(
  reader: Reader,
  context: Context,
  ids: readonly string[],
  { check, ...options }: Options,
): Promise<ExitCode> {
  if (check !== undefined) {
    if (options.from !== undefined || options.speed !== undefined)
      throw wrong('--check goes with --to alone', 'check')
    return checkReplays(reader, context, ids, { check, ...options })
  }
  if (ids.length !== 1) throw wrong(`One session is replayed at a time, not ${ids.length}`, 'ids')
  return replay(reader, context, ids[0]!, options)
}

async function replay(reader: Reader, context: Context, id: string, options: Options): Promise<ExitCode> {
  const range = rangeOf(reader, id, options)
  if (context.json || options.plain || !isWatched(context))
    await tell(reader, context, id, range, options.speed)
  else await play(reader, context, id, range, options.speed)
  return EXIT.OK
}

function rangeOf(reader: Reader, id: string, options: Options): Range {
  const head = headOf(reader, id)
  const { from: first = reader.firstVersion(id), to = head } = options
  if (to < first && options.to !== undefined) throw wrong(`--to ${to} is before --from ${first}`, 'to')
  if (first > head) throw versionNotFound(id, first, head)
  return { first, last: to, head }
}

/** Whether there is somebody who sees a screen, and has keys. */
function isWatched({ out }: Context): boolean {
  return out.isTerminal && process.stdin.isTTY && process.env.TERM !== 'dumb'
}

async function play(
  reader: Reader,
  { out, signal }: Context,
  session: string,
  range: Range,
  speed = 1,
): Promise<void> {
  const steps = new PlayerSteps(reader, session, range.first)
  const terminal = new PlayerTerminal(process.stdin, process.stdout)
  const last = Math.min(range.last, range.head)
  const options = { session, ...range, last, speed, steps, colors: out.colors, signal }
  const player = await Player.open(options, terminal)
  terminal.open(player)
  try {
    await player.run()
  } finally {
    terminal.close()
  }
}

async function tell(
  reader: Reader,
  context: Context,
  id: string,
  { first, last, head }: Range,
  speed = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { out, json } = context
  let toldAt: number | undefined
  for await (const step of steps(reader, id, first, last, context.signal)) {
    const { recordedAt } = step.event
    const pauseMs = toldAt === undefined ? 0 : Math.min((recordedAt - toldAt) / speed, PAUSE_MS_MAX)
    toldAt = recordedAt
    if (pauseMs > 0) await pause(pauseMs, undefined, { signal: context.signal })
    if (json) await out.json(stepJson(step))
    else await out.line(stepLine(step, head, context))
    // Who watches sees each when its time has come.
    if (speed < Number.POSITIVE_INFINITY) await out.flush()
  }
}

/** What `store.replay` gives, but read no faster than it is written: a pipe may be slow, and states large. */
async function* steps(
  reader: Reader,
  id: string,
  from: number,
  to: number,
  signal: AbortSignal,
): AsyncGenerator<ReplayStep<unknown>, void, undefined> {
  let before: unknown = await reader.stateAt(id, { version: from - 1, signal })
  for await (const event of reader.history(id, { from, to, signal })) {
    const after = apply(event.changes, before)
    yield { event, before, after, changes: event.changes }
    before = after
  }
}

function stepJson({ event, ...values }: ReplayStep<unknown>): object {
  return { event: eventJson(event), ...valuesJson(values) }
}

/** Not a table: the widths of later steps are not known yet. */
function stepLine({ event, before }: ReplayStep<unknown>, head: number, { out }: Context): string {
  const { dim, cyan } = out.colors
  const { version, recordedAt, actor, type, reason } = event
  const words = [
    formatCount(version).padStart(formatCount(head).length),
    dim(formatTime(recordedAt)),
    actor === undefined ? '' : cyan(printable(nameOf(actor))),
    printable(type),
    reason === undefined ? '' : printable(reason),
    printable(describeChanges(event, { state: before })),
  ]
  return words.filter(word => word !== '').join('  ')
}

function speed(text: string): number {
  const factor = Number(text)
  if (text.trim() !== '' && factor > 0) return factor
  throw new SessionlogTypeError(`--speed must be a number above 0, not '${text}'`, 'speed')
}
