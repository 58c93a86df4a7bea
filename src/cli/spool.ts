import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

export interface SpoolFile {
  readonly path: string
  readonly remove: () => Promise<void>
}

/** Copies a stream, or a pipe by its path, to a temporary file that only this user can read. */
export async function spool(from: NodeJS.ReadableStream | string, signal: AbortSignal): Promise<SpoolFile> {
  const directory = await mkdtemp(join(tmpdir(), 'sessionlog-import-'))
  const path = join(directory, 'input')
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const source = typeof from === 'string' ? createReadStream(from) : from
    await pipeline(source, createWriteStream(path, { mode: 0o600 }), { signal })
    return { path, remove }
  } catch (error) {
    await remove()
    throw error
  }
}
