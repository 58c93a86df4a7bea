import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

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
