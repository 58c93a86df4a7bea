import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { wrong } from '../arguments.ts'
import { isBundle } from './bundle-path.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, withStore } from './context.ts'
import { isOwnSnapshots, SNAPSHOTS } from './directory.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { type BundleImportOptions, importBundle } from './import-bundle.ts'
import { type ForeignOptions, importForeign, refuseForeign, withForeignOptions } from './import-foreign.ts'
import { Importer, type ImportReport } from './importer.ts'
import { openSource } from './open-source.ts'
import { formatCount, formatDuration, plural } from './text.ts'

const HELP = `
FILE is NDJSON, gzip or not; "-" is standard input. A line is one save:
  {"session", "state", "actor"?, "at"?, "type"?, "reason"?, "data"?, "eventId"?}
or, with "deleted": true in place of "state", a delete. "at" is ISO 8601 or ms since the epoch. "encoding": "tagged"
says that state and data are in the form that export uses for what JSON lacks.

DIR holds one file a session: snapshots of sessionlog, or plain <id>.json files whose whole content is the state.
Whatever is not *.json is left aside. It goes into an empty store. data/sessions_v3 itself may be given when the log
beside it is lost, or was never there.

A bundle, as the command bundle writes it, brings whole sessions: each event names the one that it comes from. The store
must not have these sessions, or have them from the same bundle.

Everything is checked first: where one line is bad, nothing is written, unless --keep-going says so.

With --from the sessions of another store of express-session are brought over; docs/guides/move-in-and-out.md shows how:
  session-file-store   its directory
  connect-sqlite3      its database file, also of better-sqlite3-session-store, or what sqlite3 -json prints of the table
  connect-mongo        what mongoexport writes of its collection
  connect-redis        NDJSON of {"key", "value", "expiresAt" | "pttl" | "ttl"}
Each record stands for itself: a bad one is told and the others are imported. To run it again is safe.`

interface Options extends BundleImportOptions, ForeignOptions {
  keepGoing?: boolean
}

/** How many refused lines are named to people. */
const SHOWN_MAX = 10

export function importCommand(run: Run): Command {
  const command = newCommand('import <file>', 'save what a file, a directory or standard input says')
    .option('-k, --keep-going', 'import the good lines where others are refused')
    .addHelpText('after', HELP)
    .option('--as <id>', 'for a bundle of one session: its new id')
    .option('--key <key>', "for a bundle: the verifier's key that it must be signed by, or a file with it")
  return withForeignOptions(command).action((path: string, options: Options, command: Command) =>
    run(command, async context => {
      if (options.from !== undefined) return importForeign(context, path, options)
      refuseForeign(options)
      if (path !== '-' && (await isBundle(path))) return importBundle(context, path, options)
      if (options.as !== undefined || options.key !== undefined)
        throw wrong('--as and --key are for bundles', 'as')
      return importPath(context, path, options.keepGoing ?? false)
    }),
  )
}

export async function importPath(context: Context, path: string, keepGoing: boolean): Promise<ExitCode> {
  const startedAt = performance.now()
  const source = await openSource(path, context.signal)
  try {
    const report = await new Importer(context, source, { path, keepGoing }).run()
    const movedTo =
      report.written && (await isOwnSnapshots(path, context.dir)) ? await renewSnapshots(context) : undefined
    await tell(context, report, performance.now() - startedAt, movedTo)
    return exitCodeOf(report)
  } finally {
    context.progress.end()
    await source.close()
  }
}

/** What was imported in place is put aside whole, and the store writes its own: other names, another origin. */
async function renewSnapshots(context: Context): Promise<string> {
  const { dir, signal } = context
  const aside = join(dir, `${SNAPSHOTS}-imported-${new Date().toISOString().replace(/\D/g, '').slice(0, 17)}`)
  await rename(join(dir, SNAPSHOTS), aside)
  await withStore(context, store => store.compact({ signal }))
  return aside
}

async function tell(
  { out, json }: Context,
  report: ImportReport,
  durationMs: number,
  movedTo: string | undefined,
): Promise<void> {
  const { problems, refused, written, unit, lost, ...counts } = report
  for (const { place, message, code } of problems.slice(0, SHOWN_MAX)) out.fail(`${place}: ${message}`, code)
  if (refused > SHOWN_MAX) out.note(`sessionlog: … and ${formatCount(refused - SHOWN_MAX)} more`)
  if (refused > 0) {
    const what = `${unit} refused, ${written ? 'the others were imported' : 'nothing was imported'}`
    out.fail(`${formatCount(refused)} of ${formatCount(counts.lines)} ${what}`, 'SESSIONLOG_IMPORT_REJECTED')
  }
  if (lost !== undefined) {
    const { from, to } = lost
    const which =
      from === to ? `Event ${formatCount(to)}` : `Events ${formatCount(from)} to ${formatCount(to)}`
    out.fail(
      `${which} came after the snapshots: what was saved or deleted then is not here`,
      'SESSIONLOG_EVENTS_MISSING',
    )
  }
  if (json) return out.json({ ...counts, refused, lost, problems, durationMs: Math.round(durationMs) })
  if (!written) return
  const { saved, deleted, skipped, sessions } = counts
  const parts = [plural(saved, 'save')]
  if (deleted > 0) parts.push(plural(deleted, 'delete'))
  if (skipped > 0) parts.push(`${formatCount(skipped)} that were there already`)
  await out.line(
    `Imported ${parts.join(', ')} of ${plural(sessions, 'session')} in ${formatDuration(durationMs)}`,
  )
  if (movedTo !== undefined) await out.line(`What was imported is kept in ${movedTo}`)
}

function exitCodeOf({ refused, written, lost }: ImportReport): ExitCode {
  if (!written) return EXIT.REFUSED
  return refused > 0 || lost !== undefined ? EXIT.PARTIAL : EXIT.OK
}
