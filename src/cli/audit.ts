import type { Command } from 'commander'
import { newCommand, type Run } from './command.ts'
import { withReader } from './context.ts'
import { auditOptions, type FilterOptions, formatOf, withFilters } from './event-filter.ts'
import { writeEvents } from './event-format.ts'
import { EXIT } from './exit-code.ts'

const HELP = `
Events come in the order in which they were committed. What is left out filters nothing; docs/audit.md describes the
formats.`

export function auditCommand(run: Run): Command {
  return withFilters(newCommand('audit', 'who did what, over all sessions'))
    .addHelpText('after', HELP)
    .action((options: FilterOptions, command: Command) =>
      run(command, context => {
        const format = formatOf(options, context)
        return withReader(context, async reader => {
          const events = reader.audit({ ...auditOptions(reader, options), signal: context.signal })
          await writeEvents(events, format, context, reader.origin)
          return EXIT.OK
        })
      }),
    )
}
