import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SessionlogError } from '../errors.ts'

export interface RetryOptions {
  /** Told before each new attempt while somebody holds the file open. Only Windows has this. */
  onRetry?: ((attempt: number, error: Error) => void) | undefined
}

/** A file's whole content, strings as UTF-8; in pieces where it is too much for the memory. */
export type Content = string | Uint8Array | AsyncIterable<Uint8Array>

export interface FileEntry {
  path: string
  /** The whole new content, strings as UTF-8. `undefined` removes the file. */
  data: string | Uint8Array | undefined
}

export interface BatchOptions extends RetryOptions {
  /**
   * How many files are under way at once. Minimum 1, default 4. The syncs share Node's four I/O threads with the
   * log: the more files, the longer a save meanwhile waits.
   */
  concurrency?: number | undefined
  /** Given a file that failed; the batch goes on. Left out, or throwing itself, the first failure ends the batch. */
  onFailure?: ((error: SessionlogError, entry: FileEntry) => void) | undefined
}

/**
 * Replaces a file whole. Once resolved, the content survives a power cut. Whenever the power goes before that,
 * `path` holds the old content or the new, never a mixture or a part; a leftover temporary may lie beside it.
 * A rejection changes nothing, with one exception: where only the last step failed (the directory's sync), the
 * new content is visible and either of the two may be there after a power cut.
 */
export async function replaceFile(path: string, data: Content, options: RetryOptions = {}): Promise<void> {
  await publish(path, data, options)
  await syncDirectory(dirname(path))
}

/**
 * Replaces and removes many files, each as whole as with {@link replaceFile}, with one sync per directory at the
 * end. Once resolved, all of it survives a power cut; before that, each file on its own is old or new. There is no
 * order among the files, and they don't change together. Entries are pulled one by one, so a generator may build
 * each content when its turn comes. When the batch ends early, what was replaced until then is made durable first.
 */
export async function replaceFiles(
  entries: Iterable<FileEntry> | AsyncIterable<FileEntry>,
  options: BatchOptions = {},
): Promise<void> {
  const queue = iterate(entries)
  const directories = new Set<string>()
  const work = async () => {
    // A throw in here closes the queue for all workers; the others end with the file they are at.
    for await (const entry of queue) {
      try {
        if (entry.data === undefined) await unpublish(entry.path, options)
        else await publish(entry.path, entry.data, options)
        directories.add(dirname(entry.path))
      } catch (error) {
        if (options.onFailure === undefined) throw error
        options.onFailure(error as SessionlogError, entry)
      }
    }
  }
  const workers = Array.from({ length: Math.max(1, options.concurrency ?? 4) }, work)
  const outcomes = await Promise.allSettled(workers)
  outcomes.push(...(await Promise.allSettled([...directories].map(syncDirectory))))
  const failure = outcomes.find(outcome => outcome.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}

/** Removes a file; an absent one is fine. Once resolved, it stays away after a power cut. */
export async function removeFile(path: string, options: RetryOptions = {}): Promise<void> {
  await unpublish(path, options)
  await syncDirectory(dirname(path))
}

/**
 * Removes what a crash left between the write of a temporary and its rename, and answers how many there were.
 * REQUIRES: nobody is replacing files in `dir`. Only names made here are touched. Not synced: a leftover that
 * comes back after a power cut does no harm.
 */
export async function sweepTemporaries(dir: string): Promise<number> {
  try {
    const leftovers = (await readdir(dir)).filter(name => temporaryPattern.test(name))
    for (const name of leftovers) await rm(join(dir, name), { force: true })
    return leftovers.length
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0
    throw ioError(`Cannot sweep '${dir}'`, dir, error)
  }
}

/**
 * Makes the names in a directory durable: files created, renamed and removed in it before the call. Not their
 * content. Windows has no such call (NTFS journals names itself), and some network file systems refuse it: there
 * a rename may be undone by a power cut, but is never half done.
 */
export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  try {
    const handle = await open(dir, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeOf(error) === 'EINVAL' || codeOf(error) === 'ENOTSUP') return
    throw ioError(`Cannot sync the directory '${dir}'`, dir, error)
  }
}

/**
 * Creates a directory and its missing parents. Once resolved, what was created survives a power cut. So does one that
 * was there already, as far as we may ask for it: whoever made it may have been killed before the sync.
 */
export async function ensureDirectory(dir: string): Promise<void> {
  const path = resolve(dir)
  let first: string | undefined
  try {
    first = await makeDirectory(path)
  } catch (error) {
    throw ioError(`Cannot create the directory '${path}'`, path, error)
  }
  if (first === undefined) {
    // A parent that we may not read is none that we could have made it in.
    await syncDirectory(dirname(path)).catch(error => {
      if (!['EACCES', 'EPERM'].includes(codeOf(error.cause) ?? '')) throw error
    })
    return
  }
  for (let made = path; ; made = dirname(made)) {
    await syncDirectory(dirname(made))
    if (made === resolve(first) || made === dirname(made)) return
  }
}

/**
 * Answers with the first directory that had to be made; `undefined` where all were there. Not left to the option
 * `recursive`, which never ends where a parent exists and nothing can be made in it, as under /proc.
 */
async function makeDirectory(path: string): Promise<string | undefined> {
  if (await isDirectory(path)) return undefined
  const parent = dirname(path)
  const first = parent === path ? undefined : await makeDirectory(parent)
  try {
    await mkdir(path)
  } catch (error) {
    if (!(await isDirectory(path))) throw error
  }
  return first ?? path
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}

/** The random part keeps two writers of one file apart, and `wx` keeps us from following a planted symlink. */
const temporaryPattern = /\.[0-9a-f]{16}\.tmp$/

async function publish(path: string, data: Content, options: RetryOptions): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
  try {
    await writeWhole(temporary, piecesOf(data))
    await persist(() => rename(temporary, path), options)
  } catch (error) {
    // If this fails too, the sweep at the next start takes it.
    await rm(temporary, { force: true }).catch(() => {})
    throw ioError(`Cannot replace '${path}'`, path, error)
  }
}

async function unpublish(path: string, options: RetryOptions): Promise<void> {
  try {
    await persist(() => unlink(path), options)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw ioError(`Cannot remove '${path}'`, path, error)
  }
}

function piecesOf(data: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof data === 'string') return [Buffer.from(data)]
  return data instanceof Uint8Array ? [data] : data
}

/** Writes and syncs a new file. The content is synced before anybody renames it: the other order may publish zeros. */
async function writeWhole(
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const handle = await open(path, 'wx')
  try {
    for await (const bytes of pieces) {
      // A disk that fills up first cuts a write short, without an error; only the next write fails.
      for (let written = 0; written < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written)
        if (bytesWritten === 0) throw new Error(`Wrote ${written} of ${bytes.length} bytes`)
        written += bytesWritten
      }
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** On Windows a file that anybody holds open (a reader, a virus scanner) can't be replaced: waits about 4 s in all. */
async function persist(action: () => Promise<void>, options: RetryOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      const busy = process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(codeOf(error) ?? '')
      if (!busy || attempt > retriesMax) throw error
      options.onRetry?.(attempt, error as Error)
      await delay(Math.min(10 * 2 ** (attempt - 1), 500))
    }
  }
}

// 10, 20, 40, 80, 160, 320 ms, then 500 ms each.
const retriesMax = 13

async function* iterate(entries: Iterable<FileEntry> | AsyncIterable<FileEntry>): AsyncGenerator<FileEntry> {
  yield* entries
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

function ioError(message: string, path: string, cause: unknown): SessionlogError {
  const reason = codeOf(cause) ?? (cause as Error).message
  return new SessionlogError('SESSIONLOG_IO_ERROR', `${message}: ${reason}`, { cause, path })
}
