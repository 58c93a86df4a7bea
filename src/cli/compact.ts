import type { Command } from 'commander'
import { type CompactionReport, SessionlogTypeError, type StoreOptions } from '../index.ts'
import { diskUse } from '../snapshot/disk-use.ts'
import { replaceFile } from '../snapshot/file.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, type Store, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { readSkey } from './key-file.ts'
import { formatCount, formatDuration, plural } from './text.ts'

/** `sessionlog compact`, and the nightly script. */
export function compactCommand(run: Run): Command {
  return newCommand('compact', 'bring bases and snapshots up to date; nothing is lost')
    .option('-q, --quiet', 'say nothing where all went well')
    .option('--full', 'write every snapshot again, also of sessions that have not changed')
    .option('--checkpoint <file>', 'write a signed checkpoint there at the end: a place outside of the store')
    .option('-k, --key <file>', "the signer's key of the checkpoint")
    .action((options: Options, command: Command) =>
      run(command, async context => {
        const signing = await signingOf(options)
        return withStore(context, store => compactStore(store, context, options), signing)
      }),
    )
}

interface Options {
  quiet?: boolean
  full?: boolean
  checkpoint?: string
  key?: string
}

async function signingOf({ checkpoint, key }: Options): Promise<StoreOptions<unknown>> {
  if ((checkpoint === undefined) !== (key === undefined))
    throw new SessionlogTypeError('--checkpoint and --key belong together', 'checkpoint')
  if (checkpoint === undefined) return {}
  return { signingKey: await readSkey(key!), onCheckpoint: note => replaceFile(checkpoint, note) }
}

async function compactStore(
  store: Store,
  context: Context,
  { full = false, quiet = false }: Options,
): Promise<ExitCode> {
  const { dir, out, progress, signal } = context
  const bytesBefore = diskUse(dir).bytes
  const onProgress = ({ sessions, snapshotsWritten }: CompactionReport) => {
    if (!quiet) progress.update('Compacting', Math.max(sessions, snapshotsWritten))
  }
  const report = await store.compact({ signal, full, wait: false, onProgress })
  progress.end()
  const { problems, ...numbers } = report
  if (context.json) {
    const left = problems.map(({ sessionId, path }) => ({ sessionId, path }))
    await out.json({ ...numbers, problems: left, bytesBefore, bytesAfter: diskUse(dir).bytes })
  } else if (!quiet) await out.line(summaryOf(report))
  for (const { sessionId, path, error } of problems) {
    if (path === undefined)
      out.fail(`Session '${sessionId}' was left as it is: ${error.message}`, 'SESSIONLOG_CORRUPTION')
    else out.fail(`The snapshot ${path} was not written: ${error.message}`, 'SESSIONLOG_IO_ERROR')
  }
  if (problems.some(({ path }) => path === undefined)) return EXIT.DAMAGED
  return problems.length === 0 ? EXIT.OK : EXIT.IO
}

function summaryOf(report: CompactionReport): string {
  const { sessions, events, snapshotsWritten, snapshotsRemoved, position, durationMs } = report
  const what = `Compacted ${plural(sessions, 'session')} with ${plural(events, 'new event')}`
  const files = `snapshots: ${formatCount(snapshotsWritten)} written, ${formatCount(snapshotsRemoved)} removed`
  return `${what}, up to position ${formatCount(position)}, in ${formatDuration(durationMs)} (${files})`
}
