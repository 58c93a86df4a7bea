import { statSync } from 'node:fs'

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
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return args
  return [...args.slice(0, at), '--dir', path, ...args.slice(at + 1)]
}
