import { createReadStream, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { ITEM_HEAD } from '../bundle/item.ts'

/** Commands that read a bundle as they read a store, of which these take no argument of their own. */
const ALONE = ['export', 'ls', 'audit', 'verify', 'stats']
const READING = [...ALONE, 'show', 'history', 'diff', 'blame', 'replay', 'bisect', 'repro']

/** The ending of a bundle's name. */
export const BUNDLE_SUFFIX = '.slog'

/**
 * Arguments in which a bundle that stands right behind the command is the store: `history bug.slog ID` is
 * `history ID --dir bug.slog`. An id is a session's, unless there is a file of that name and no `--dir`.
 */
export function withBundle(args: readonly string[]): readonly string[] {
  if (args.some(arg => /^(-d|--dir(=|$))/.test(arg))) return args
  const [command, at = 0] = firstWord(args, 0)
  const [path, place = 0] = firstWord(args, at + 1)
  if (!READING.includes(command) || !path.endsWith(BUNDLE_SUFFIX)) return args
  if (!ALONE.includes(command) && !isFile(path)) return args
  return [...args.slice(0, place), '--dir', path, ...args.slice(place + 1)]
}

/** The first argument from a place on, but for the one option that all commands have and that takes no value. */
function firstWord(args: readonly string[], from: number): [word: string, at: number] {
  let at = from
  while (args[at] === '--json') at++
  return [args[at] ?? '', at]
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
