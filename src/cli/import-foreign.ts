import { stat } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import type { Command } from 'commander'
import { wrong } from '../arguments.ts'
import { checkImportSessions } from '../importers/import-options.ts'
import {
  type ImportFrom,
  type ImportProblem,
  importSessions,
  type SessionsReport,
} from '../importers/import-sessions.ts'
import { type Context, open, type Store } from './context.ts'
import { hasStore } from './directory.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { formatCount, formatDuration, plural } from './text.ts'

export interface ForeignOptions {
  from?: ImportFrom
  dryRun?: boolean
  keepExpired?: boolean
  overwrite?: boolean
  actor?: string
  prefix?: string
  extension?: string
  ttl?: string
  table?: string
  keepGoing?: boolean
  as?: string
  key?: string
}

export function withForeignOptions(command: Command): Command {
  return command
    .option('--from <store>', 'the store of express-session that the sessions come from')
    .option('--dry-run', 'with --from: say what would happen, and change nothing')
    .option('--keep-expired', 'with --from: also the sessions that are over')
    .option('--overwrite', 'with --from: replace sessions that are here with other content')
    .option('--actor <name>', 'with --from: who is named in the log (default: import)')
    .option('--prefix <text>', 'connect-redis: what its keys begin with (default: sess:)')
    .option('--extension <text>', 'session-file-store: its fileExtension (default: .json)')
    .option('--ttl <seconds>', 'session-file-store: its ttl (default: 3600)')
    .option('--table <name>', 'connect-sqlite3: its table (default: sessions)')
}

const OWN = ['dryRun', 'keepExpired', 'overwrite', 'actor', 'prefix', 'extension', 'ttl', 'table'] as const

/** An option that would do nothing is a mistake: a dry run above all. */
export function refuseForeign(options: ForeignOptions): void {
  for (const name of OWN)
    if (options[name] !== undefined) throw wrong(`${flagOf(name)} is for imports --from another store`, name)
}

/** How many problems are named to people. */
const SHOWN_MAX = 10

export async function importForeign(
  context: Context,
  path: string,
  options: ForeignOptions,
): Promise<ExitCode> {
  for (const name of ['keepGoing', 'as', 'key'] as const)
    if (options[name] !== undefined) throw wrong(`${flagOf(name)} is not for imports --from a store`, name)
  const startedAt = performance.now()
  const { out, json, progress, signal } = context
  const { dryRun = false, from, ttl } = options
  const source = path === '-' ? addAbortSignal(signal, process.stdin) : path
  const asked = { ...pick(options), ...(ttl !== undefined && { ttl: Number(ttl) }), from: from!, source }
  // What is refused makes no store.
  checkImportSessions({ ...asked, dryRun: true })
  if (path !== '-' && (await stat(path)).isDirectory() && from !== 'session-file-store')
    throw wrong(`'${path}' is a directory: of ${from} a file is needed`, 'SOURCE')
  const problems = new Problems(context)
  const store = await storeFor(context, dryRun)
  try {
    const report = await importSessions({
      ...asked,
      ...(store !== undefined && { store }),
      dryRun,
      onProgress: ({ records, done, total }) =>
        progress.update(dryRun ? 'Checking' : 'Importing', done, total, `${formatCount(records)} sessions`),
      onProblem: problem => problems.tell(problem),
      signal,
    })
    progress.end()
    await problems.end()
    const durationMs = Math.round(performance.now() - startedAt)
    if (json) {
      const { problems: first, ...counts } = report
      await out.json({ ...counts, durationMs })
    } else await out.line(sentence(report, durationMs))
    return exitCodeOf(report)
  } finally {
    progress.end()
    await store?.close()
  }
}

/** A dry run makes no store where there is none. */
async function storeFor(context: Context, dryRun: boolean): Promise<Store | undefined> {
  return dryRun && !(await hasStore(context.dir)) ? undefined : open(context)
}

/** Tells of each record that was not imported: all of them to programs, the first to people. */
class Problems {
  readonly #context: Context
  #written: Promise<void> = Promise.resolve()
  #told = 0

  constructor(context: Context) {
    this.#context = context
  }

  tell(problem: ImportProblem): void {
    const { json, out, progress } = this.#context
    this.#told++
    if (json) this.#written = this.#written.then(() => out.json(problem))
    else if (this.#told <= SHOWN_MAX) {
      progress.end()
      out.fail(`${problem.place}: ${problem.reason}`, CODES[problem.kind])
    }
  }

  async end(): Promise<void> {
    await this.#written
    const more = this.#told - SHOWN_MAX
    if (!this.#context.json && more > 0)
      this.#context.out.note(`sessionlog: … and ${formatCount(more)} more: --json lists all`)
  }
}

const CODES = { refused: 'SESSIONLOG_IMPORT_REJECTED', conflict: 'conflict', ignored: 'ignored' } as const

function sentence(report: SessionsReport, durationMs: number): string {
  const { dryRun, imported, alreadyThere, expired, conflicts, refused, ignored } = report
  const parts = [`${dryRun ? 'Would import' : 'Imported'} ${plural(imported, 'session')}`]
  const counts = { 'already there': alreadyThere, expired, 'in conflict': conflicts, refused, ignored }
  for (const [what, count] of Object.entries(counts))
    if (count > 0) parts.push(`${formatCount(count)} ${what}`)
  return `${parts.join(', ')}, in ${formatDuration(durationMs)}`
}

function exitCodeOf({ imported, alreadyThere, conflicts, refused }: SessionsReport): ExitCode {
  if (conflicts + refused === 0) return EXIT.OK
  return imported + alreadyThere === 0 ? EXIT.REFUSED : EXIT.PARTIAL
}

const PLAIN = ['keepExpired', 'overwrite', 'actor', 'prefix', 'extension', 'table'] as const

function pick(options: ForeignOptions): Pick<ForeignOptions, (typeof PLAIN)[number]> {
  return Object.fromEntries(
    PLAIN.filter(name => options[name] !== undefined).map(name => [name, options[name]]),
  )
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}
