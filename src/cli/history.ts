import type { Command } from 'commander'
import { wrong } from '../arguments.ts'
import { versionNotFound } from '../errors.ts'
import { nameOf } from '../event.ts'
import type { RecordedEvent } from '../index.ts'
import { apply } from '../state/apply.ts'
import { describeChanges } from './change-text.ts'
import { integer, newCommand, type Run } from './command.ts'
import { type Context, headOf, type Reader, withReader } from './context.ts'
import { eventJson } from './event-json.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { Table } from './table.ts'
import { formatCount, formatTime } from './text.ts'

interface Options {
  from?: number
  to?: number
  reverse?: boolean
}

export function historyCommand(run: Run): Command {
  return newCommand('history <id>', 'the events of a session: who changed what, when and why')
    .option('--from <version>', 'the first version to show', integer('--from', 1))
    .option('--to <version>', 'the last version to show', integer('--to', 1))
    .option('--reverse', 'the latest first')
    .action((id: string, options: Options, command: Command) =>
      run(command, context => withReader(context, reader => showHistory(reader, context, id, options))),
    )
}

async function showHistory(
  reader: Reader,
  context: Context,
  id: string,
  options: Options,
): Promise<ExitCode> {
  const { signal } = context
  const head = headOf(reader, id)
  const { from = reader.firstVersion(id), to, reverse = false } = options
  if (to !== undefined && to < from) throw wrong(`--to ${to} is before --from ${from}`, 'to')
  if (from > head) throw versionNotFound(id, from, head)
  const events = reader.history(id, { from, reverse, signal, ...(to !== undefined && { to }) })
  if (context.json) for await (const event of events) await context.out.json(eventJson(event))
  else await printTable(context, events, reverse ? undefined : await stateBefore(reader, id, from))
  return EXIT.OK
}

/** Told forwards, a change can name what was there before it. */
async function stateBefore(reader: Reader, id: string, from: number): Promise<{ state: unknown }> {
  return { state: await reader.stateAt(id, { version: from - 1 }) }
}

/** A table of events; `before` is the state before the first of them. */
export async function printTable(
  { out }: Pick<Context, 'out'>,
  events: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  before?: { state: unknown },
): Promise<void> {
  const { dim, cyan } = out.colors
  const table = new Table(out, [
    { title: 'version', right: true },
    { title: 'when', style: dim },
    { title: 'who', style: cyan, widthMax: 24 },
    { title: 'type', widthMax: 24 },
    { title: 'why', widthMax: 32 },
    { title: 'what changed' },
  ])
  let state = before
  for await (const event of events) {
    const { version, recordedAt, occurredAt, actor = '', type, reason = '' } = event
    const when = formatTime(occurredAt ?? recordedAt)
    await table.row(formatCount(version), when, nameOf(actor), type, reason, describeChanges(event, state))
    state &&= { state: apply(event.changes, state.state) }
  }
  await table.end()
}
