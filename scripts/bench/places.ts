import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** All that the bench leaves lies under the git-ignored data/: on the project's disk, as /tmp may be memory. */
export const DATA = join(ROOT, 'data')
/** Stores that take long to build, kept from run to run. */
export const CACHE = join(DATA, 'bench-cache')
const SCRATCH = join(DATA, 'bench-scratch')

/** A new empty directory, for {@link discard}. */
export function scratch(prefix: string): string {
  mkdirSync(SCRATCH, { recursive: true })
  return mkdtempSync(join(SCRATCH, `${prefix}-`))
}

export function discard(dir: string): void {
  rmSync(dir, { recursive: true, force: true })
}

/** What a killed run left behind. */
export function sweep(): void {
  rmSync(SCRATCH, { recursive: true, force: true })
}

/** Every byte of every file under a directory. */
export function sizeOf(dir: string): number {
  let bytes = 0
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath ?? entry.path, entry.name)).size
  }
  return bytes
}
