import type { Command } from 'commander'
import { wrong } from '../arguments.ts'
import { apply } from '../state/apply.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, type Reader, withReader } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { exportLine } from './export-line.ts'
import { exportMongo } from './export-mongo.ts'
import { lastEvent } from './ls.ts'
import { printableJson } from './text.ts'

const HELP = `
--format mongo writes a document a line, {"_id", "session", "expires"?}, in MongoDB Extended JSON v2, relaxed:
  sessionlog export --format mongo --dir data | mongoimport --collection sessions --mode upsert
which connect-mongo reads with its option stringify: false; with --stringify it needs none. What MongoDB cannot hold
exactly is never changed: the session is left out and named, and the exit code is 6.`

interface Options {
  current?: boolean
  format?: string
  stringify?: boolean
  report?: string
}

export function exportCommand(run: Run): Command {
  return newCommand('export', 'every version of every session as NDJSON that import reads, in commit order')
    .option('--current', 'only the current states')
    .option('--format <name>', 'sessionlog, or mongo: the current states as mongoimport takes them')
    .option('--stringify', 'with --format mongo: each session as JSON text')
    .option('--report <file>', 'with --format mongo: where to list all that was left out, and why')
    .addHelpText('after', HELP)
    .action((options: Options, command: Command) =>
      run(command, context => {
        const { current = false, format = 'sessionlog', stringify = false, report } = options
        if (format === 'mongo') return exportMongo(context, { asText: stringify, report })
        if (format !== 'sessionlog') throw wrong(`--format is sessionlog or mongo, not '${format}'`, 'format')
        if (stringify || report !== undefined)
          throw wrong('--stringify and --report are for --format mongo', stringify ? 'stringify' : 'report')
        return withReader(context, reader => writeLines(reader, context, current))
      }),
    )
}

async function writeLines(reader: Reader, context: Context, current: boolean): Promise<ExitCode> {
  const { out, progress } = context
  let done = 0
  for await (const line of current ? currentLines(reader, context) : allLines(reader, context)) {
    await out.line(printableJson(line))
    if (!out.isTerminal) progress.update('Exporting', ++done, current ? reader.size : undefined)
  }
  return EXIT.OK
}

/** Folds every session as it goes: no more than the current states is kept. */
async function* allLines(reader: Reader, { signal }: Context): AsyncGenerator<string> {
  const states = new Map<string, unknown>()
  for await (const event of reader.events({ signal })) {
    const { sessionId, version } = event
    const isFirst = version > 1 && version === reader.firstVersion(sessionId)
    const before = isFirst ? await reader.stateAt(sessionId, { version: version - 1 }) : states.get(sessionId)
    const state = apply(event.changes, before)
    if (state === undefined) states.delete(sessionId)
    else states.set(sessionId, state)
    yield exportLine(event, state)
  }
}

/** Each state with what the event that made it says, but for the event's own id and input. */
async function* currentLines(reader: Reader, { signal }: Context): AsyncGenerator<string> {
  for (const id of [...reader.ids()].sort()) {
    signal.throwIfAborted()
    const event = await lastEvent(reader, id)
    if (event === undefined) continue
    const { data, eventId, ...said } = event
    yield exportLine(said, reader.get(id))
  }
}
