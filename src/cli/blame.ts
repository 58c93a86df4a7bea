import type { Command } from 'commander'
import { nameOf } from '../event.ts'
import type { Blame, Point, ValueBlame } from '../index.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, headOf, type Reader, withReader } from './context.ts'
import { valuesJson } from './event-json.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { POINT_HELP, point } from './point.ts'
import { type Column, Table } from './table.ts'
import { formatCount, formatTime, shortValue } from './text.ts'

const VALUE_COLUMNS = 40

export function blameCommand(run: Run): Command {
  return newCommand('blame <id> [pointer]', 'who set what, when and why: of each value, or all of one')
    .option('--at <point>', `as of ${POINT_HELP}`, point('--at'))
    .addHelpText(
      'after',
      '\nA pointer is a JSON Pointer (RFC 6901), such as /items/0/qty; "" is the whole state.',
    )
    .action((id: string, pointer: string | undefined, options: { at?: Point }, command: Command) =>
      run(command, context =>
        withReader(context, reader => showBlame(reader, context, id, pointer, options.at)),
      ),
    )
}

async function showBlame(
  reader: Reader,
  context: Context,
  id: string,
  pointer: string | undefined,
  at: Point | undefined,
): Promise<ExitCode> {
  const last = headOf(reader, id)
  const asked: Point = { ...(at ?? { version: last }), signal: context.signal }
  if (pointer === undefined) await tellLeaves(await reader.blame(id, undefined, asked), context)
  else await tellValue(reader.blame(id, pointer, asked), context)
  return EXIT.OK
}

async function tellValue(blames: AsyncIterable<ValueBlame>, { out, json }: Context): Promise<void> {
  let found = false
  const table = new Table(out, [...columnsOf(out.colors), { title: 'before → after' }])
  for await (const { before, after, ...blame } of blames) {
    found = true
    if (json) await out.json({ ...blame, ...valuesJson({ before, after }) })
    else await table.row(...cellsOf(blame), `${valueText(before)} → ${valueText(after)}`)
  }
  await table.end()
  if (!found) out.note('sessionlog: nothing ever was there')
}

async function tellLeaves(leaves: ReadonlyMap<string, Blame>, { out, json }: Context): Promise<void> {
  if (leaves.size === 0) out.note('sessionlog: there is no state')
  const table = new Table(out, [{ title: 'pointer', widthMax: 60 }, ...columnsOf(out.colors)])
  for (const [pointer, blame] of leaves) {
    if (json) await out.json({ pointer, ...blame })
    else await table.row(pointer, ...cellsOf(blame))
  }
  await table.end()
}

type Style = (text: string) => string

function columnsOf({ dim, cyan }: { readonly dim: Style; readonly cyan: Style }): Column[] {
  return [
    { title: 'version', right: true },
    { title: 'when', style: dim },
    { title: 'who', style: cyan, widthMax: 24 },
    { title: 'why', widthMax: 32 },
  ]
}

function cellsOf({ version, time, actor = '', reason = '', earlier }: Blame): string[] {
  return [(earlier ? '≤ ' : '') + formatCount(version), formatTime(time), nameOf(actor), reason]
}

function valueText(value: unknown): string {
  return value === undefined ? '(none)' : shortValue(value, VALUE_COLUMNS)
}
