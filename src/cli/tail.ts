import type { Command } from 'commander'
import type { AuditOptions, RecordedEvent } from '../index.ts'
import { integer, newCommand, type Run } from './command.ts'
import { type Context, type Store, withStore } from './context.ts'
import { lastWitness } from './directory.ts'
import { auditOptions, type FilterOptions, formatOf, withFilters } from './event-filter.ts'
import { writeEvents } from './event-format.ts'
import { EXIT } from './exit-code.ts'

const LINES = 10

const HELP = `
It ends there: whoever holds a store is the only one who writes to it, so nothing can come while this command looks.
The app that holds it follows its events by store.audit({ live: true }).`

export function tailCommand(run: Run): Command {
  return withFilters(newCommand('tail [id]', 'the last events, of a session or of all'))
    .option('-n, --lines <count>', `how many (default: ${LINES})`, integer('--lines', 0))
    .addHelpText('after', HELP)
    .action((id: string | undefined, options: FilterOptions & { lines?: number }, command: Command) =>
      run(command, context => {
        const format = formatOf(options, context)
        const { lines = LINES, session = [] } = options
        const asked = id === undefined ? options : { ...options, session: [id, ...session] }
        return withStore(context, async store => {
          const events = await lastEvents(store, context, lines, auditOptions(store, asked))
          await writeEvents(events, format, context, store.origin)
          return EXIT.OK
        })
      }),
    )
}

/** The last events that fit, oldest first. Looks at the end of the log, and farther back while too few fit. */
async function lastEvents(
  store: Store,
  { dir, signal }: Context,
  count: number,
  options: AuditOptions,
): Promise<RecordedEvent[]> {
  if (count === 0) return []
  const witness = await lastWitness(dir)
  const position = witness?.origin === store.origin ? witness.position : 0
  for (let span = count; ; span *= 8) {
    const after = Math.max(position - span, 0)
    const found: RecordedEvent[] = []
    for await (const event of store.audit({ ...options, after, signal })) {
      found.push(event)
      // Not after each: that would move all of them each time.
      if (found.length >= 2 * count) found.splice(0, found.length - count)
    }
    if (found.length >= count || after === 0) return found.slice(-count)
  }
}
