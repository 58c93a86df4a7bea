import { cpSync, rmSync } from 'node:fs'
import { basename } from 'node:path'

/** Copies what a crash would leave of an open store's directory. A file may be removed while it is being copied. */
export function copyAsCrashed(dir: string, copy: string): void {
  for (;;) {
    try {
      cpSync(dir, copy, { recursive: true, filter: path => basename(path) !== 'LOCK' })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      rmSync(copy, { recursive: true, force: true })
    }
  }
}
