import type { Command } from 'commander'
import type { ArchiveReport, PruneReport } from '../index.ts'
import { integer, newCommand, type Run } from './command.ts'
import { type Context, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { formatBytes, formatDuration, plural } from './text.ts'

const ARCHIVE_HELP = `
Nothing is lost: history, replay, blame, proofs and verify read on through the archive. A run that is interrupted, or killed,
is gone on with by the next.`

const PRUNE_HELP = `
Only what the store's own option 'prune' allows goes, and only what is archived; of a session under legal hold nothing goes.
What proves the rest is kept, and each session gets a $pruned event. There is no way back but a backup.`

interface ArchiveFlags {
  olderThan?: string
  keepLast?: number
  dryRun?: boolean
  quiet?: boolean
}

interface Saying {
  actor?: string
  reason?: string
}

export function archiveCommand(run: Run): Command {
  return newCommand('archive', 'move old events to compressed files beside the log; nothing is lost')
    .option('--older-than <time>', 'events that are older than that, such as 90d or 12h')
    .option('--keep-last <count>', 'but not the last of each session', integer('--keep-last', 0))
    .option('--dry-run', 'only say what would be done')
    .option('-q, --quiet', 'say nothing where all went well')
    .addHelpText('after', ARCHIVE_HELP)
    .action((flags: ArchiveFlags, command: Command) => run(command, context => archive(context, flags)))
}

export function pruneCommand(run: Run): Command {
  return newCommand('prune', "destroy archived events, as far as the store's policy allows it")
    .option('--actor <name>', 'who does it')
    .option('--reason <text>', 'why')
    .option('--dry-run', 'only say what would be done')
    .option('-q, --quiet', 'say nothing where all went well')
    .addHelpText('after', PRUNE_HELP)
    .action((flags: ArchiveFlags & Saying, command: Command) =>
      run(command, context => prune(context, flags)),
    )
}

export function holdCommand(run: Run): Command {
  return newCommand('hold <id>', 'protect a session from being pruned, or end that')
    .option('--off', 'end it')
    .option('--actor <name>', 'who does it')
    .option('--reason <text>', 'why')
    .action((id: string, { off = false, ...flags }: Saying & { off?: boolean }, command: Command) =>
      run(command, context =>
        withStore(context, async store => {
          const receipt = await store.legalHold(id, !off, said(flags))
          if (context.json) await context.out.json(receipt)
          else await context.out.line(heldText(id, !off, receipt.unchanged))
          return EXIT.OK
        }),
      ),
    )
}

function archive(context: Context, flags: ArchiveFlags): Promise<ExitCode> {
  const { progress, signal } = context
  const { olderThan, keepLast, dryRun, quiet = false } = flags
  const options = {
    ...(olderThan !== undefined && { olderThan }),
    ...(keepLast !== undefined && { keepLast }),
    ...(dryRun && { dryRun }),
  }
  return withStore(context, async store => {
    const onProgress = ({ events }: ArchiveReport) => {
      if (!quiet) progress.update('Archiving', events)
    }
    const report = await store.archive({ ...options, signal, wait: false, onProgress })
    const { sessions, events, bytesBefore, bytesAfter, durationMs, dryRun } = report
    const what = `${plural(events, 'event')} of ${plural(sessions, 'session')}`
    const sizes = `${formatBytes(bytesBefore)} to ${formatBytes(bytesAfter)}`
    const did = dryRun ? 'Would archive' : 'Archived'
    return tell(context, report, `${did} ${what}, ${sizes}, in ${formatDuration(durationMs)}`, quiet)
  })
}

function prune(context: Context, flags: ArchiveFlags & Saying): Promise<ExitCode> {
  const { progress, signal } = context
  const { quiet = false, dryRun } = flags
  return withStore(context, async store => {
    const onProgress = ({ events }: PruneReport) => {
      if (!quiet) progress.update('Pruning', events)
    }
    const report = await store.prune({
      ...said(flags),
      ...(dryRun && { dryRun }),
      signal,
      wait: false,
      onProgress,
    })
    const { sessions, events, held, durationMs } = report
    const what = `${plural(events, 'event')} of ${plural(sessions, 'session')}`
    const kept = held > 0 ? `, ${plural(held, 'session')} under legal hold left alone` : ''
    const did = report.dryRun ? 'Would destroy' : 'Destroyed'
    return tell(context, report, `${did} ${what}${kept}, in ${formatDuration(durationMs)}`, quiet)
  })
}

function said({ actor, reason }: Saying): Saying {
  return { ...(actor !== undefined && { actor }), ...(reason !== undefined && { reason }) }
}

async function tell(
  { json, out, progress }: Context,
  report: ArchiveReport | PruneReport,
  text: string,
  quiet: boolean,
): Promise<ExitCode> {
  progress.end()
  const { problems, ...numbers } = report
  if (json) await out.json({ ...numbers, problems: problems.map(({ sessionId }) => ({ sessionId })) })
  else if (!quiet) await out.line(text)
  for (const { sessionId, error } of problems)
    out.fail(`Session '${sessionId}' was left as it is: ${error.message}`, 'SESSIONLOG_CORRUPTION')
  return problems.length === 0 ? EXIT.OK : EXIT.DAMAGED
}

function heldText(id: string, on: boolean, unchanged: boolean): string {
  const state = on ? 'is held: none of it is pruned' : 'is not held any more'
  return `Session '${id}' ${state}${unchanged ? ' (it was so already)' : ''}`
}
