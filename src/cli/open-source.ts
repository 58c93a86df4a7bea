import { stat } from 'node:fs/promises'
import { SessionlogError } from '../index.ts'
import { DirectorySource } from './import-directory.ts'
import { LineSource } from './import-lines.ts'
import type { ImportSource } from './import-source.ts'
import { spool } from './spool.ts'

/** A file of NDJSON, gzip or not, a directory of session files, or `-` for standard input. */
export async function openSource(path: string, signal: AbortSignal): Promise<ImportSource> {
  if (path === '-') return spooled(process.stdin, signal)
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) return new DirectorySource(path)
    if (stats.isFile()) return new LineSource(path)
  } catch (cause) {
    const message = `Cannot import '${path}': ${(cause as Error).message}`
    throw new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause, path })
  }
  return spooled(path, signal)
}

/** What can be read only once is kept in a temporary file. */
async function spooled(from: NodeJS.ReadableStream | string, signal: AbortSignal): Promise<ImportSource> {
  const file = await spool(from, signal)
  return new LineSource(file.path, file.remove)
}
