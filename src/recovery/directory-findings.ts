import { type Dirent, readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Finding } from './examination.ts'
import type { Looks } from './looks.ts'
import { onDirectory } from './remedies.ts'

/** What kind of thing is there at all. */
export function findingsOfDirectory(
  dir: string,
  entries: readonly Dirent[] | undefined,
  isStore: boolean,
): Finding[] {
  if (isStore) return []
  const problem = (message: string, remedy: string): Finding[] => [
    { severity: 'problem', about: 'directory', code: 'SESSIONLOG_INVALID_ARGUMENT', message, remedy },
  ]
  const elsewhere = 'name the directory that the app opens, by --dir'
  if (entries === undefined) {
    const isThere = statSync(dir, { throwIfNoEntry: false }) !== undefined
    return problem(isThere ? `'${dir}' is a file, no directory` : `There is no directory '${dir}'`, elsewhere)
  }
  if (entries.length === 0)
    return problem(`'${dir}' is empty: a store that is opened there begins anew`, elsewhere)
  if (entries.some(({ name }) => name === 'backup.json'))
    return problem(`'${dir}' is a backup, no store`, `sessionlog restore ${onDirectory(dir).path} --dir NEW`)
  return problem(`Nothing in '${dir}' is of a store`, elsewhere)
}

/** Who holds it, and whether that is in order. */
export function findingsOfOwner({ owner }: Looks): Finding[] {
  const about = 'owner'
  if (owner === undefined) return [{ severity: 'ok', about, message: 'Nobody holds the store' }]
  const { pid, process, holds, answers, since } = owner
  const where = owner.hostname === undefined || owner.hostname === hostname() ? '' : ` on ${owner.hostname}`
  const who = `${pid === undefined ? 'A process' : `Process ${pid}`}${where}`
  const when = since === undefined ? '' : ` since ${since}`
  if (process === 'stopped' && holds) {
    const message = `${who} has held the store${when}, and is stopped: nobody else's saves are recorded`
    const remedy = `kill -CONT ${pid}, or kill -9 ${pid}: then a follower takes its place`
    return [{ severity: 'problem', about, code: 'SESSIONLOG_LOCKED', message, remedy }]
  }
  if (holds && answers)
    return [{ severity: 'ok', about, message: `${who} has held the store${when}, and answers` }]
  if (holds) {
    const message = `${who} has held the store${when}; it does not share it, or does not answer`
    return [{ severity: 'note', about, message, remedy: 'look at that process: only it can use the store' }]
  }
  const fate =
    process === 'unknown'
      ? 'whether it still runs can only be seen there'
      : 'it ended without closing the store'
  const message = `${who} has held the store${when}: ${fate}`
  return [{ severity: 'note', about, message, remedy: 'nothing: the next who opens the store takes it' }]
}

/** So many files are named. */
const PATHS_MAX = 5

const KINDS: readonly (readonly [pattern: RegExp, what: string, remedy: string])[] = [
  [/\.[0-9a-f]{16}\.tmp$/, 'A file that was being replaced', 'nothing: the next open removes it'],
  [
    /^owner\.[0-9a-f]{16}\.knock$/,
    'The question of a store that waited to open',
    'nothing: the next owner removes it',
  ],
  [/^log-opening$/, 'What an open that was killed had put aside', 'nothing: the next open goes on with it'],
  [
    /^log-refused$/,
    'The log as it was when it was refused',
    'keep it: sessionlog doctor --rebuild reads it, too',
  ],
  [/^log-refused-/, 'The log of an incident that is over', 'remove it when nobody asks for it any more'],
  [
    /^head-.+\.json$/,
    'The witness of a loss that was accepted',
    'remove it when nobody asks for it any more',
  ],
  [/^sessions_v3-imported-/, 'Snapshots that were imported', 'remove it when nobody asks for it any more'],
]

/** What lies beside the store, and does no harm. */
export function findingsOfLeftovers({ dir }: Looks, entries: readonly Dirent[]): Finding[] {
  const names = entries.map(({ name }) => name)
  const folder = join(dir, 'sessions_v3')
  const inside = names.includes('sessions_v3') && statSync(folder).isDirectory() ? readdirSync(folder) : []
  const all = [
    ...names,
    ...inside.filter(name => name.endsWith('.tmp')).map(name => join('sessions_v3', name)),
  ]
  return KINDS.flatMap(([pattern, what, remedy]): Finding[] => {
    const found = all.filter(name => pattern.test(name)).map(name => join(dir, name))
    if (found.length === 0) return []
    const message = found.length === 1 ? `${what}: ${found[0]}` : `${what}: ${found.length} of them`
    return [{ severity: 'note', about: 'leftovers', message, remedy, paths: found.slice(0, PATHS_MAX) }]
  })
}
