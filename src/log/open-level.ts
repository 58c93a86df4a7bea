import { readdir } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { SessionlogError } from '../errors.ts'
import { type Level, LevelLog } from './level-log.ts'

/** LevelDB's memory table: reopening after a kill reads that much again. */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024

/** Opens the log in a directory, which is made where it is missing. REQUIRES: the store's lock is held. */
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
  return new LevelLog(db as unknown as Level, 'synced')
}

/** The log in a database of the caller's, under a name of its own. */
export async function wrapLevel(db: Level): Promise<LevelLog> {
  await db.open()
  // What syncs is not to be read off a database; LevelDB's own methods are a sign of LevelDB.
  const isLevelDb = db.supports.additionalMethods.approximateSize === true
  const durability = isLevelDb ? 'synced' : db.supports.permanence ? 'buffered' : 'memory'
  const part = db.sublevel<string, Buffer>('sessionlog', { keyEncoding: 'utf8', valueEncoding: 'buffer' })
  await part.open()
  return new LevelLog(part as unknown as Level, durability)
}

/** Without its file CURRENT, LevelDB takes a database for a new one, and deletes its files. */
async function checkFiles(location: string): Promise<void> {
  let files: string[]
  try {
    files = await readdir(location)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
    throw openError(cause, location)
  }
  const isDatabase = files.some(file => /^MANIFEST-|\.(ldb|sst|log)$/.test(file))
  if (isDatabase && !files.includes('CURRENT')) {
    const message = `The log in ${location} has lost its file CURRENT`
    throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { path: location })
  }
}

/** LevelDB reports a damaged database by its message alone. */
function openError(error: unknown, path: string): SessionlogError {
  const cause =
    (error as { cause?: { code?: string; message?: string } }).cause ??
    (error as { code?: string; message?: string })
  if (cause.code === 'LEVEL_LOCKED') {
    return new SessionlogError('SESSIONLOG_LOCKED', `Another process holds the log in ${path}`, {
      cause: error,
      path,
    })
  }
  if (
    cause.code === 'LEVEL_CORRUPTION' ||
    /corrupt|missing files|no meta-|does not exist/i.test(cause.message ?? '')
  ) {
    const message = `The log in ${path} is damaged: ${cause.message}`
    return new SessionlogError('SESSIONLOG_CORRUPTION', message, { cause: error, path })
  }
  const message = `The log in ${path} cannot be opened: ${cause.message}`
  return new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause: error, path })
}
