import type { Command } from 'commander'
import type { AuditOptions, RecordedEvent } from '../index.ts'
import { integer, newCommand, type Run } from './command.ts'
import { assertStore, type Context, type Reader, withReader } from './context.ts'
import { auditOptions, type FilterOptions, filterOf, formatOf, withFilters } from './event-filter.ts'
import { writeEvents } from './event-format.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { Follower } from './follower.ts'

const LINES = 10

const HELP = `
--follow goes on with what is recorded later, by whatever process holds the store: it looks at copies of LevelDB's files
and holds nothing itself. An event is shown within about a second, later where the store is large. It goes on until it
is interrupted. On Windows LevelDB lets nobody read its files: there it works once the store is closed. In the process
that holds the store, \`store.audit({ live: true })\` is the same without the copies.`

interface Options extends FilterOptions {
  lines?: number
  follow?: boolean
}

export function tailCommand(run: Run): Command {
  return withFilters(newCommand('tail [id]', 'the last events, of a session or of all'))
    .option('-n, --lines <count>', `how many (default: ${LINES})`, integer('--lines', 0))
    .option('-f, --follow', 'go on with what is recorded later')
    .addHelpText('after', HELP)
    .action((id: string | undefined, options: Options, command: Command) =>
      run(command, context => {
        const { session = [] } = options
        return tail(context, id === undefined ? options : { ...options, session: [id, ...session] })
      }),
    )
}

async function tail(context: Context, options: Options): Promise<ExitCode> {
  const format = formatOf(options, context)
  const { lines = LINES } = options
  const last = (reader: Reader) => lastEvents(reader, context, lines, auditOptions(reader, options))
  if (options.follow) {
    await assertStore(context.dir)
    const follower = new Follower(context.dir)
    const events = follower.events(filterOf(options), context.signal, last)
    await writeEvents(events, format, context, follower)
  } else {
    await withReader(context, async reader => writeEvents(await last(reader), format, context, reader))
  }
  return EXIT.OK
}

/** The last events that fit, oldest first. Looks at the end of the log, and farther back while too few fit. */
async function lastEvents(
  reader: Reader,
  { signal }: Context,
  count: number,
  options: AuditOptions,
): Promise<RecordedEvent[]> {
  if (count === 0) return []
  for (let span = count; ; span *= 8) {
    const after = Math.max(reader.position - span, 0)
    const found: RecordedEvent[] = []
    for await (const event of reader.audit({ ...options, after, signal })) {
      found.push(event)
      // Not after each: that would move all of them each time.
      if (found.length >= 2 * count) found.splice(0, found.length - count)
    }
    if (found.length >= count || after === 0) return found.slice(-count)
  }
}
