import { resolve } from 'node:path'
import type { Command } from 'commander'
import { restore, SessionlogTypeError } from '../index.ts'
import { integer, newCommand, type Run, time } from './command.ts'
import { type Context, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { formatBytes, formatCount, formatDuration, plural } from './text.ts'

const BACKUP_HELP = `
A running app goes on meanwhile. The next run into the same directory adds what is new. Every event is compared with its hash,
every commit with the root of the tree. A run that is interrupted leaves the backup as it was.`

const RESTORE_HELP = `
The new store has an origin of its own: checkpoints of the old one are not its. --to-position takes the last position of a
commit, for a commit is all or nothing.`

interface BackupFlags {
  quiet?: boolean
}

export function backupCommand(run: Run): Command {
  return newCommand(
    'backup <directory>',
    'copy the store to another directory, or add what is new to the copy',
  )
    .option('-q, --quiet', 'say nothing where all went well')
    .addHelpText('after', BACKUP_HELP)
    .action((dest: string, options: BackupFlags, command: Command) =>
      run(command, context => takeBackup(dest, options, context)),
    )
}

function takeBackup(dest: string, { quiet = false }: BackupFlags, context: Context): Promise<ExitCode> {
  const { dir, json, out, progress, signal } = context
  const path = resolve(dest)
  if (path === resolve(dir) || path.startsWith(`${resolve(dir)}/`))
    throw new SessionlogTypeError('The backup would lie in the store itself', 'directory')
  return withStore(context, async store => {
    const onProgress = ({ events, of }: { events: number; of: number }) => {
      if (!quiet) progress.update('Copying', events, of)
    }
    const report = await store.backup(path, { signal, onProgress })
    progress.end()
    const { events, bytes, position, durationMs } = report
    if (json) await out.json(report)
    else if (!quiet)
      await out.line(
        `Copied ${plural(events, 'new event')}, ${formatBytes(bytes)}, up to position ${formatCount(position)}, in ${formatDuration(durationMs)}`,
      )
    return EXIT.OK
  })
}

interface RestoreFlags {
  toPosition?: number
  toTime?: number
}

export function restoreCommand(run: Run): Command {
  return newCommand(
    'restore <backup>',
    'make a store from a backup, in a directory that is empty or not there',
  )
    .option('--to-position <position>', 'only up to there', integer('--to-position', 0))
    .option('--to-time <time>', 'only what was recorded by then', time('--to-time'))
    .addHelpText('after', RESTORE_HELP)
    .action((from: string, { toPosition, toTime }: RestoreFlags, command: Command) =>
      run(command, async ({ dir, json, out, progress, signal }) => {
        const onProgress = ({ events }: { events: number }) => progress.update('Restoring', events)
        const to = {
          ...(toPosition !== undefined && { toPosition }),
          ...(toTime !== undefined && { toTime }),
        }
        const report = await restore({ from, dir, signal, onProgress, ...to })
        progress.end()
        const { sessions, position, origin } = report
        if (json) await out.json(report)
        else
          await out.line(
            `Restored ${plural(sessions, 'session')} and ${plural(position, 'event')} into ${dir}, as store ${origin}`,
          )
        return EXIT.OK
      }),
    )
}
