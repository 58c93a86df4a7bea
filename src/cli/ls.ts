import type { Command } from 'commander'
import { nameOf } from '../event.ts'
import type { RecordedEvent } from '../index.ts'
import { stringifyState } from '../state/tagged-json.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, type Reader, withReader } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { Table } from './table.ts'
import { formatBytes, formatCount, formatTime } from './text.ts'

export function lsCommand(run: Run): Command {
  return newCommand('ls', 'list the sessions that have a state')
    .option('-l, --long', 'also when each was last saved, and by whom')
    .action((options: { long?: boolean }, command: Command) =>
      run(command, context => withReader(context, reader => list(reader, context, options.long ?? false))),
    )
}

async function list(reader: Reader, context: Context, long: boolean): Promise<ExitCode> {
  const { out, json, signal, progress } = context
  const { cyan, dim } = out.colors
  const table = new Table(out, [
    { title: 'session', style: cyan, widthMax: 60 },
    { title: 'version', right: true },
    { title: 'size', right: true },
    ...(long
      ? [
          { title: 'when', style: dim },
          { title: 'who', widthMax: 24 },
          { title: 'type', widthMax: 24 },
        ]
      : []),
  ])
  let done = 0
  for (const id of [...reader.ids()].sort()) {
    signal.throwIfAborted()
    if (!out.isTerminal) progress.update('Listing', ++done, reader.size)
    const version = reader.version(id)
    const bytes = Buffer.byteLength(stringifyState(reader.get(id)))
    const last = long ? await lastEvent(reader, id, version) : undefined
    if (json) await out.json({ session: id, version, bytes, ...(last && detailsOf(last)) })
    else await table.row(id, formatCount(version), formatBytes(bytes), ...(last ? cellsOf(last) : []))
  }
  await table.end()
  return EXIT.OK
}

export async function lastEvent(
  reader: Reader,
  id: string,
  version = reader.version(id),
): Promise<RecordedEvent | undefined> {
  for await (const event of reader.history(id, { from: version })) return event
  return undefined
}

function detailsOf({ recordedAt, occurredAt, actor, type }: RecordedEvent): object {
  return {
    recordedAt,
    ...(occurredAt !== undefined && { occurredAt }),
    ...(actor !== undefined && { actor }),
    type,
  }
}

function cellsOf({ recordedAt, occurredAt, actor = '', type }: RecordedEvent): string[] {
  return [formatTime(occurredAt ?? recordedAt), nameOf(actor), type]
}
