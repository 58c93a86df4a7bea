import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'

export interface DiskUse {
  readonly files: number
  readonly bytes: number
  /** ms since the epoch, of the file that changed last; 0 where there is none. */
  readonly changedAt: number
}

/** What a part of a store takes on the disk. */
export function diskUse(path: string): DiskUse {
  let files = 0
  let bytes = 0
  let changedAt = 0
  for (const entry of entriesOf(path)) {
    const stats = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })
    if (!stats?.isFile()) continue
    files++
    bytes += stats.size
    changedAt = Math.max(changedAt, stats.mtimeMs)
  }
  return { files, bytes, changedAt }
}

function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true, recursive: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Whether a file or a folder isn't there. */
export function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** Whether a path, which need not be there, is that of a directory or lies in it, by whatever links. */
export function isInside(path: string, directory: string): boolean {
  const inside = relative(realpathSync(directory), realPathOf(resolve(path)))
  return !inside.startsWith('..') && !isAbsolute(inside)
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (!isAbsent(error) || dirname(path) === path) throw error
    return join(realPathOf(dirname(path)), basename(path))
  }
}
