import type { Command } from 'commander'
import { type AuditOptions, SessionlogTypeError } from '../index.ts'
import { repeated, time } from './command.ts'
import { type Context, headOf, type Reader } from './context.ts'
import { FORMATS, type Format } from './event-format.ts'

/** What the options of `withFilters` are read into. */
export interface FilterOptions {
  actor?: string[]
  type?: string[]
  path?: string
  since?: number
  until?: number
  session?: string[]
  format?: Format
}

/** The options that say which events are meant, and how they are written. */
export function withFilters(command: Command): Command {
  return command
    .option('--actor <name>', 'only what this actor did; may be given several times', repeated)
    .option('--type <type>', 'only events of this type; may be given several times', repeated)
    .option('--path <pointer>', 'only what changed the value at this JSON Pointer, or inside it')
    .option('--since <time>', 'recorded then or later: ISO 8601, or ms since the epoch', time('--since'))
    .option('--until <time>', 'recorded then or earlier', time('--until'))
    .option('--session <id>', 'only of this session; may be given several times', repeated)
    .option('--format <format>', `${FORMATS.join(', ')} (default: table)`, format)
}

/** What `store.audit` takes. Fails where a session is named that never was. */
export function auditOptions(reader: Reader, options: FilterOptions): AuditOptions {
  const { actor, type, path, since, until, session: sessions } = options
  for (const id of sessions ?? []) headOf(reader, id)
  return {
    ...(actor && { actor }),
    ...(type && { type }),
    ...(path !== undefined && { path }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(sessions && { sessions }),
  }
}

/** `--json` is another word for NDJSON. */
export function formatOf({ format }: FilterOptions, { json }: Context): Format {
  if (json && format !== undefined && format !== 'ndjson')
    throw new SessionlogTypeError(`Either --json or --format ${format} can be given`, 'format')
  return json ? 'ndjson' : (format ?? 'table')
}

function format(text: string): Format {
  const known = FORMATS.find(each => each === text)
  if (known !== undefined) return known
  throw new SessionlogTypeError(`--format must be one of ${FORMATS.join(', ')}, not '${text}'`, 'format')
}
