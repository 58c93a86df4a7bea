import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { SessionlogError } from '../errors.ts'
import { ArchiveFiles } from './archive-file.ts'
import { levelError } from './level-error.ts'
import { LevelLog } from './level-log.ts'
import type { Level } from './level-pages.ts'

/**
 * LevelDB's memory table: reopening after a kill reads that much again, and there may be two of them. Writes wait
 * where one is exchanged for the next: a larger one is exchanged less often.
 */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

/**
 * Opens the log in a directory, which is made where it is missing; its archive lies beside it. REQUIRES: the store's lock
 * is held.
 */
export async function openLevelLog(location: string): Promise<LevelLog> {
  await checkFiles(location)
  const db = new ClassicLevel<string, Buffer>(location, {
    keyEncoding: 'utf8',
    valueEncoding: 'buffer',
    writeBufferSize: WRITE_BUFFER_BYTES,
  })
  try {
    await db.open()
  } catch (error) {
    throw openError(error, location)
  }
  const files = new ArchiveFiles(join(dirname(location), 'archive'))
  return new LevelLog(db as unknown as Level, 'synced', false, files)
}

/** The log in a database of the caller's, under a name of its own. */
export async function wrapLevel(db: Level): Promise<LevelLog> {
  await db.open()
  // What syncs is not to be read off a database; LevelDB's own methods are a sign of LevelDB.
  const isLevelDb = db.supports.additionalMethods.approximateSize === true
  const durability = isLevelDb ? 'synced' : db.supports.permanence ? 'buffered' : 'memory'
  const part = db.sublevel<string, Buffer>('sessionlog', { keyEncoding: 'utf8', valueEncoding: 'buffer' })
  await part.open()
  return new LevelLog(part as unknown as Level, durability, true)
}

/**
 * LevelDB takes a database without its file CURRENT for a new one, and deletes its files; where CURRENT names
 * no manifest it reports a missing file. Killed while it made the database, it leaves no more than the first
 * manifest: that one is new.
 */
async function checkFiles(location: string): Promise<void> {
  let files: string[]
  let current = ''
  try {
    files = await readdir(location)
    if (files.includes('CURRENT')) current = await readFile(join(location, 'CURRENT'), 'latin1')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
    throw openError(cause, location)
  }
  const isDatabase = files.some(file => /^CURRENT$|^MANIFEST-(?!000001$)|\.(ldb|sst|log)$/.test(file))
  if (isDatabase && !(current.endsWith('\n') && files.includes(current.slice(0, -1)))) {
    const message = `The log in ${location} is damaged: its file CURRENT names no manifest`
    throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { path: location })
  }
}

function openError(error: unknown, path: string): SessionlogError {
  const cause = (error as { cause?: { code?: string } }).cause ?? (error as { code?: string })
  if (cause.code === 'LEVEL_LOCKED') {
    const message = `Another process holds the log in ${path}`
    return new SessionlogError('SESSIONLOG_LOCKED', message, { cause: error, path })
  }
  return levelError(cause, `log in ${path}`, { cause: error, path })
}
