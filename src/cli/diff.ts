import type { Command } from 'commander'
import { type Point, toJsonPatch } from '../index.ts'
import type { Inexact } from '../state/patch.ts'
import { describeEach } from './change-text.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, headOf, type Reader, withReader } from './context.ts'
import { changeJson } from './event-json.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { POINT_HELP, point } from './point.ts'
import { printable, printableJson } from './text.ts'

const INEXACT_TOLD_MAX = 5

export function diffCommand(run: Run): Command {
  return newCommand('diff <id> <from> <to>', 'what changed between two points of a session')
    .option('--patch', 'as a JSON Patch (RFC 6902), for programs that read such')
    .addHelpText('after', `\nEach point is ${POINT_HELP}. With --json, one change a line.`)
    .action((id: string, from: string, to: string, options: { patch?: boolean }, command: Command) =>
      run(command, context => {
        const ends = [point('<from>')(from), point('<to>')(to)] as const
        return withReader(context, reader => showDiff(reader, context, id, ends, options.patch ?? false))
      }),
    )
}

async function showDiff(
  reader: Reader,
  { out, json, signal }: Context,
  id: string,
  [from, to]: readonly [Point, Point],
  asPatch: boolean,
): Promise<ExitCode> {
  headOf(reader, id)
  const changes = await reader.diff(id, from, to, { signal })
  if (json && !asPatch) {
    for (const change of changes) await out.json(changeJson(change))
    return EXIT.OK
  }
  const before = await reader.stateAt(id, { ...from, signal })
  if (asPatch) {
    const { patch, inexact } = toJsonPatch(changes, before)
    await out.line(printableJson(JSON.stringify(patch, undefined, json ? undefined : 2)))
    if (inexact.length > 0) out.note(`sessionlog: the patch is not exact: ${describeInexact(inexact)}`)
    return EXIT.OK
  }
  for (const line of describeEach(changes, before)) await out.line(printable(line))
  if (changes.length === 0) out.note('sessionlog: nothing changed')
  return EXIT.OK
}

const REASONS: Record<Inexact['reason'], string> = {
  'not-json': 'holds what JSON lacks, and is in its tagged form',
  'key-order': 'comes last in its object, not where it was',
  deleted: 'is no state at all after it, which a JSON Patch cannot say',
}

function describeInexact(inexact: readonly Inexact[]): string {
  const told = inexact.slice(0, INEXACT_TOLD_MAX)
  const words = told.map(({ path, reason }) => `'${printable(path)}' ${REASONS[reason]}`).join('; ')
  return inexact.length > told.length ? `${words}; … ${inexact.length - told.length} more` : words
}
