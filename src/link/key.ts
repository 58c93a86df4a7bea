import { randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionlogError } from '../errors.ts'

const KEY_BYTES = 32

/**
 * Makes the key that followers show to be let in: a new one for each owner, in a file that only its user can read. On
 * Windows it is as closed as the directory is. REQUIRES: the store's lock is held.
 */
export async function makeKey(directory: string): Promise<Buffer> {
  const path = keyPath(directory)
  const key = randomBytes(KEY_BYTES)
  try {
    // Not written over: what is there may be readable by others.
    await rm(path, { force: true })
    await writeFile(path, key, { mode: 0o600, flag: 'wx' })
    return key
  } catch (cause) {
    const message = `Cannot write '${path}': ${(cause as Error).message}`
    throw new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause, path })
  }
}

/** The key of whoever owns the store now; one that is being written is not there yet, or too short. */
export function readKey(directory: string): Promise<Buffer> {
  return readFile(keyPath(directory))
}

export async function removeKey(directory: string): Promise<void> {
  await rm(keyPath(directory), { force: true })
}

function keyPath(directory: string): string {
  return join(directory, 'owner.key')
}
