import { createReadStream, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { ITEM_HEAD } from '../bundle/item.ts'
import { SessionlogTypeError } from '../index.ts'

/** Commands that read a bundle as they read a store, of which the first need no argument of their own. */
const ALONE = ['export', 'ls', 'audit', 'tail', 'verify', 'stats']
const READING = [...ALONE, 'show', 'history', 'diff', 'blame', 'replay', 'bisect', 'repro']

/** Options without a value: what follows any other is its value. */
const FLAGS = /^--(json|long|reverse|occurred|patch|current|plain|follow|stringify)$|^-[lf]$/

/** The ending of a bundle's name. */
export const BUNDLE_SUFFIX = '.slog'

/**
 * Arguments in which the first one behind the command, if it is a bundle, is the store: `history bug.slog ID` is
 * `history ID --dir bug.slog`. An id is a session's, unless there is a file of that name and no `--dir`.
 */
export function withBundle(args: readonly string[]): readonly string[] {
  if (args.some(arg => /^(-d|--dir(=|$))/.test(arg))) return args
  const [command, path, next] = wordsIn(args)
  if (command === undefined || path === undefined) return args
  if (!READING.includes(command.text) || !path.text.endsWith(BUNDLE_SUFFIX)) return args
  const isAlone = ALONE.includes(command.text)
  if (!isFile(path.text) && !isAlone) {
    if (next === undefined) return args
    throw new SessionlogTypeError(`There is no bundle '${path.text}'`, 'dir')
  }
  return [...args.slice(0, path.at), '--dir', path.text, ...args.slice(path.at + 1)]
}

/** What is neither an option nor the value of one. */
function wordsIn(args: readonly string[]): { readonly text: string; readonly at: number }[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  return args.slice(0, end).flatMap((text, at) => {
    const before = args[at - 1] ?? ''
    const isValue = before.startsWith('-') && !before.includes('=') && !FLAGS.test(before)
    return text.startsWith('-') || isValue ? [] : [{ text, at }]
  })
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
