import { join } from 'node:path'
import type { Command } from 'commander'
import type { RecordedEvent } from '../index.ts'
import { diskUse } from '../snapshot/disk-use.ts'
import { tellBundle } from './bundle-facts.ts'
import { isBundle } from './bundle-path.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, type Store, withStore } from './context.ts'
import { ARCHIVE, LOG, lastWitness, SNAPSHOTS } from './directory.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { prometheusOf } from './prometheus.ts'
import { formatBytes, formatCount, formatTime, plural, printable } from './text.ts'

export function statsCommand(run: Run): Command {
  return newCommand('stats', 'how much there is, and how much of the disk it takes')
    .option('--prometheus', "figures for Prometheus; of an app that is running the app's own")
    .action((options: { prometheus?: boolean }, command: Command) =>
      run(command, async context => {
        const task = options.prometheus ? tellPrometheus : tell
        if (!(await isBundle(context.dir))) return withStore(context, store => task(store, context))
        await tellBundle(context, { verified: false })
        return EXIT.OK
      }),
    )
}

async function tellPrometheus(store: Store, { dir, out }: Context): Promise<ExitCode> {
  const snapshots = diskUse(join(dir, SNAPSHOTS))
  for (const line of prometheusOf(await store.stats(), snapshots.bytes)) await out.line(line)
  return EXIT.OK
}

async function tell(store: Store, { dir, json, out, signal }: Context): Promise<ExitCode> {
  const last = await lastEventOf(store, dir, signal)
  const log = diskUse(join(dir, LOG))
  const snapshots = diskUse(join(dir, SNAPSHOTS))
  const archive = diskUse(join(dir, ARCHIVE))
  const total = log.bytes + snapshots.bytes + archive.bytes
  const { size: sessions, origin } = store
  const events = last?.position ?? 0
  if (json) {
    await out.json({
      origin,
      sessions,
      events,
      bytes: { log: log.bytes, snapshots: snapshots.bytes, archive: archive.bytes, total },
      snapshots: snapshots.files,
      ...(last && {
        head: {
          sessionId: last.sessionId,
          version: last.version,
          recordedAt: last.recordedAt,
          hash: last.hash,
        },
      }),
      ...(snapshots.files > 0 && { lastSnapshotAt: Math.trunc(snapshots.changedAt) }),
    })
    return EXIT.OK
  }
  const rows = {
    origin,
    sessions: formatCount(sessions),
    events: formatCount(events),
    'last event': last
      ? `${formatTime(last.recordedAt)}, version ${formatCount(last.version)} of '${printable(last.sessionId)}'`
      : 'none',
    log: formatBytes(log.bytes),
    snapshots: `${formatBytes(snapshots.bytes)} in ${plural(snapshots.files, 'file')}`,
    archive: formatBytes(archive.bytes),
    'in all':
      formatBytes(total) + (events > 0 ? `, ${formatCount(Math.round(total / events))} bytes an event` : ''),
    'last snapshot': snapshots.files > 0 ? formatTime(snapshots.changedAt) : 'never',
  }
  for (const [name, value] of Object.entries(rows))
    await out.line(`${out.colors.dim(name.padEnd(14))} ${value}`)
  return EXIT.OK
}

/** The store's last event. What was noted at the last clean close says about where to begin reading. */
async function lastEventOf(
  store: Store,
  dir: string,
  signal: AbortSignal,
): Promise<RecordedEvent | undefined> {
  const witness = await lastWitness(dir)
  const after = witness?.origin === store.origin ? Math.max(witness.position - 1, 0) : 0
  let last: RecordedEvent | undefined
  for await (const event of store.events({ after, signal })) last = event
  return last
}
