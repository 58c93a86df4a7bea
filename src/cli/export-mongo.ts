import { type FileHandle, open } from 'node:fs/promises'
import { type Context, type Store, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { mongoDocument } from './mongo-document.ts'
import { formatCount, plural, printableJson } from './text.ts'

export interface MongoOptions {
  /** The session as JSON text, as connect-mongo keeps it unless told otherwise. */
  readonly asText: boolean
  /** A file that is told of all that was left out. */
  readonly report: string | undefined
}

/** How much of what was left out is named to people. */
const SHOWN_MAX = 10

/** The current states as NDJSON that mongoimport takes. A session that it could not hold exactly is left out, and named. */
export function exportMongo(context: Context, options: MongoOptions): Promise<ExitCode> {
  return withStore(context, async store => {
    const report = options.report === undefined ? undefined : await open(options.report, 'w')
    try {
      return await writeDocuments(store, context, options.asText, report)
    } finally {
      await report?.close()
    }
  })
}

async function writeDocuments(
  store: Store,
  { out, progress, signal }: Context,
  asText: boolean,
  report: FileHandle | undefined,
): Promise<ExitCode> {
  let exported = 0
  let leftOut = 0
  let faults = 0
  for (const id of [...store.ids()].sort()) {
    signal.throwIfAborted()
    const [state, expiresAt] = [store.get(id), store.expiresAt(id)]
    // It has ended meanwhile.
    if (state === undefined || expiresAt === undefined) continue
    const { json, inexact } = mongoDocument(id, state, expiresAt, asText)
    if (inexact.length === 0) {
      await out.line(printableJson(json))
      exported++
    } else leftOut++
    for (const { path, reason } of inexact) {
      if (++faults <= SHOWN_MAX)
        out.fail(`Session '${id}' is left out: ${path || 'it'} is ${reason}`, 'SESSIONLOG_INVALID_STATE')
      await report?.write(`${JSON.stringify({ session: id, path, reason })}\n`)
    }
    if (!out.isTerminal) progress.update('Exporting', exported + leftOut, store.size)
  }
  if (leftOut === 0) return EXIT.OK
  if (faults > SHOWN_MAX)
    out.note(`sessionlog: … and ${formatCount(faults - SHOWN_MAX)} more: --report FILE lists all`)
  out.note(`sessionlog: ${plural(exported, 'session')} exported, ${formatCount(leftOut)} left out`)
  return EXIT.PARTIAL
}
