import type { Command } from 'commander'
import { wrong } from '../arguments.ts'
import { type Examination, examine, type Finding, type Severity } from '../index.ts'
import { newCommand, type Run } from './command.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { Output } from './output.ts'
import { rebuild } from './rebuild.ts'
import { formatBytes, formatCount, formatTime, plural, printable } from './text.ts'

const HELP = `
It looks at a directory in whatever state that is, also while a process holds it, and changes nothing in it. LevelDB's files
are opened in a copy, in the system's folder of temporary files (TMPDIR). Each line is what was found and, behind the
arrow, what to do about it.

--rebuild makes a new store of whatever can be believed: of the log, also where LevelDB can't open it, of a backup, and of
bases and snapshots. NEW must be empty or not there. It says exactly what could not be saved.

It ends with 0 where nothing is wrong, or all could be saved; with 4 where something is damaged or lost; with 3 where all
that is wrong is that the process that holds the store is stopped; with 2 where there is no store.`

interface Options {
  deep?: boolean
  rebuild?: string
  backup?: string
}

export function doctorCommand(run: Run): Command {
  return newCommand('doctor', 'what state a directory is in, and what to do about it')
    .option('--deep', 'verify everything as well')
    .option('--rebuild <new>', 'make a new store there of whatever can be believed')
    .option('--backup <directory>', 'for --rebuild: a backup of the store')
    .addHelpText('after', HELP)
    .action(({ deep = false, rebuild: to, backup }: Options, command: Command) =>
      run(command, async context => {
        if (to !== undefined) return rebuild(context, to, backup)
        if (backup !== undefined) throw wrong('--backup is for --rebuild', 'backup')
        return diagnose(context, deep)
      }),
    )
}

async function diagnose({ dir, json, out, progress, signal }: Context, deep: boolean): Promise<ExitCode> {
  const onProgress = ({ events, of }: { events: number; of: number }) =>
    progress.update('Verifying', events, of)
  const examination = await examine({ dir, deep, signal, onProgress })
  progress.end()
  if (json) await out.json(examination)
  else await tell(examination, out)
  return exitCodeOf(examination)
}

async function tell({ isStore, findings, ...examination }: Examination, out: Output): Promise<void> {
  const { colors } = out
  if (isStore)
    for (const [name, value] of rowsOf(examination))
      await out.line(`${colors.dim(name.padEnd(14))} ${printable(value)}`)
  for (const { severity, message, remedy } of findings)
    await out.line(
      `${labelOf(severity, out)}${printable(message)}${remedy === undefined ? '' : ` → ${printable(remedy)}`}`,
    )
}

function rowsOf(examination: Omit<Examination, 'isStore' | 'findings'>): [string, string][] {
  const { sizes, formats, origin, sessions, head, witness } = examination
  const { log, snapshots, archive } = sizes
  const numbers = Object.entries(formats).map(([part, number]) => `${part} ${number ?? 'unknown'}`)
  return [
    ['origin', origin ?? 'unknown'],
    ['sessions', sessions === undefined ? 'unknown' : formatCount(sessions)],
    ['events', head === undefined ? 'unknown' : formatCount(head.position)],
    ['root', head?.root ?? 'unknown'],
    [
      'last commit',
      head === undefined ? 'unknown' : head.position === 0 ? 'none' : formatTime(head.recordedAt),
    ],
    ['log', formatBytes(log.bytes)],
    ['snapshots', `${formatBytes(snapshots.bytes)} in ${plural(snapshots.files, 'file')}`],
    ['archive', formatBytes(archive.bytes)],
    ['formats', numbers.join(', ')],
    [
      'last noted',
      witness === undefined
        ? 'never'
        : `position ${formatCount(witness.position)}, ${formatTime(witness.recordedAt)}`,
    ],
  ]
}

function labelOf(severity: Severity, { colors }: Output): string {
  const color = { ok: colors.green, note: colors.yellow, problem: colors.red }[severity]
  return color(severity.padEnd('problem'.length + 2))
}

/** A process that is stopped is no damage. */
function exitCodeOf({ isStore, findings }: Examination): ExitCode {
  if (!isStore) return EXIT.USAGE
  const problems = findings.filter(({ severity }) => severity === 'problem')
  if (problems.length === 0) return EXIT.OK
  return problems.every(isLocked) ? EXIT.LOCKED : EXIT.DAMAGED
}

function isLocked({ code }: Finding): boolean {
  return code === 'SESSIONLOG_LOCKED'
}
