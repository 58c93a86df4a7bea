import { createReadStream, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { ITEM_HEAD } from '../bundle/item.ts'

/** Commands that read a bundle as they read a store. */
const READING = [
  'export',
  'ls',
  'show',
  'history',
  'diff',
  'blame',
  'replay',
  'bisect',
  'audit',
  'verify',
  'stats',
  'repro',
]

/** The ending of a bundle's name. */
export const BUNDLE_SUFFIX = '.slog'

/**
 * Arguments in which a bundle that stands right behind the command is the store: `history bug.slog ID` is
 * `history ID --dir bug.slog`. An id is a session's, unless there is a file of that name.
 */
export function withBundle(args: readonly string[]): readonly string[] {
  const at = args.findIndex(arg => READING.includes(arg)) + 1
  const path = args[at]
  if (at === 0 || path === undefined || !path.endsWith(BUNDLE_SUFFIX)) return args
  if (!isFile(path)) return args
  return [...args.slice(0, at), '--dir', path, ...args.slice(at + 1)]
}

/** Whether a path is that of a bundle: a file that has its ending, or begins as one. */
export async function isBundle(path: string): Promise<boolean> {
  return isFile(path) && (path.endsWith(BUNDLE_SUFFIX) || (await beginsWithItem(path)))
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

async function beginsWithItem(path: string): Promise<boolean> {
  const file = createReadStream(path)
  const inside = createGunzip()
  file.on('error', error => inside.destroy(error)).pipe(inside)
  try {
    for await (const chunk of inside) return ITEM_HEAD.equals((chunk as Buffer).subarray(0, ITEM_HEAD.length))
    return false
  } catch {
    // Whoever reads it as what it is then says what is wrong.
    return false
  } finally {
    file.destroy()
    inside.destroy()
  }
}
