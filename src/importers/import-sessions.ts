import { stat } from 'node:fs/promises'
import { SessionlogError } from '../index.ts'
import { DumpRows } from './dump-rows.ts'
import type { ForeignSource } from './foreign-session.ts'
import { checkImportSessions, type ImportSessionsOptions, type SessionsReport } from './import-options.ts'
import { ImportTally } from './import-tally.ts'
import { mongoRows } from './mongo-dump.ts'
import { redisRows } from './redis-dump.ts'
import { SessionFiles } from './session-files.ts'
import { SessionImport } from './session-import.ts'
import { isSqliteFile, SqliteFile } from './sqlite-file.ts'
import { sessionOfRow } from './sqlite-row.ts'

export type {
  ImportFrom,
  ImportProblem,
  ImportProgress,
  ImportSessionsOptions,
  SessionsReport,
} from './import-options.ts'

const PROGRESS_EVERY = 256

/**
 * Brings the sessions of another store of express-session into this one, as events that say where they come from. Each
 * record is read once and stands for itself: one that is refused is in the report, and no other is concerned. To run it
 * again is safe: what is there is counted and not saved twice, and a session that has changed or ended since stays so.
 * A wrong argument is a `SessionlogTypeError`; a source that cannot be read rejects with `SESSIONLOG_IO_ERROR`, a store
 * whose disk fails with what its `save` says.
 */
export async function importSessions(options: ImportSessionsOptions): Promise<SessionsReport> {
  checkImportSessions(options)
  const { from, dryRun = false, onProgress, onProblem, signal } = options
  const tally = new ImportTally(onProblem)
  const sessions = new SessionImport(options, tally)
  const source = await openSource(options)
  let records = 0
  try {
    for await (const record of source.records()) {
      signal?.throwIfAborted()
      await sessions.take(record)
      if (++records % PROGRESS_EVERY === 0) onProgress?.({ records, ...source.pace })
    }
  } catch (error) {
    // What is under way is saved all the same.
    await sessions.finish().catch(() => {})
    signal?.throwIfAborted()
    throw failureOf(error, options)
  }
  await sessions.finish()
  onProgress?.({ records, ...source.pace })
  return tally.report(from, dryRun)
}

async function openSource(options: ImportSessionsOptions): Promise<ForeignSource> {
  const { from, source, signal, prefix, extension, ttl, table } = options
  const stats =
    typeof source === 'string' ? await stat(source).catch(cause => fail(cause, source)) : undefined
  switch (from) {
    case 'session-file-store':
      if (!stats?.isDirectory())
        throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot import '${source}': no directory`)
      return new SessionFiles(source as string, { extension, ttl, signal })
    case 'connect-redis':
      return new DumpRows(source, redisRows({ prefix, takenAt: stats?.mtimeMs }), signal)
    case 'connect-mongo':
      return new DumpRows(source, mongoRows(), signal)
    case 'connect-sqlite3':
      if (typeof source === 'string' && stats?.isFile() && (await isSqliteFile(source)))
        return new SqliteFile(source, { table, signal })
      return new DumpRows(source, sessionOfRow, signal)
  }
}

/** An error of the file system, as one of ours. */
function failureOf(error: unknown, { source }: ImportSessionsOptions): unknown {
  if ((error as NodeJS.ErrnoException)?.syscall === undefined) return error
  return ioError(error as Error, typeof source === 'string' ? source : 'the source')
}

function fail(cause: Error, source: unknown): never {
  throw ioError(cause, String(source))
}

function ioError(cause: Error, path: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot import '${path}': ${cause.message}`, {
    cause,
    path,
  })
}
