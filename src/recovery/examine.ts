import { type Dirent, existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkOptions, checkPath, checkType } from '../arguments.ts'
import { hasCode } from '../errors.ts'
import { type DiskUse, diskUse } from '../snapshot/disk-use.ts'
import { readWitness } from '../snapshot/witness.ts'
import { findingsOfDirectory, findingsOfLeftovers, findingsOfOwner } from './directory-findings.ts'
import type { Examination, ExamineOptions, Finding } from './examination.ts'
import { FoundSnapshots } from './found-snapshots.ts'
import { type LastWord, lastWordOf } from './last-word.ts'
import { type Damage, LevelFiles } from './level-files.ts'
import { findingsOfHead, findingsOfLog } from './log-findings.ts'
import type { Looks } from './looks.ts'
import { ownerOf } from './owner-state.ts'
import { type SeenLog, seeLog } from './seen-log.ts'
import { findingsOfSnapshots } from './snapshot-findings.ts'

/**
 * Says what state a store's directory is in, whatever state that is, and what to do about it. Nothing in it is changed:
 * LevelDB's files are opened in a copy, among the system's temporary files. Also while a process holds the store.
 */
export async function examine(options: ExamineOptions): Promise<Examination> {
  checkExamine(options)
  const { dir } = options
  const entries = await entriesOf(dir)
  const sizes = {
    log: sizeOf(join(dir, 'log')),
    snapshots: sizeOf(join(dir, 'sessions_v3')),
    archive: sizeOf(join(dir, 'archive')),
  }
  const looks = entries === undefined ? undefined : await look(options)
  const isStore = looks !== undefined && isAnyStore(looks)
  const last = looks && (looks.log ?? (await lastWordOf(join(dir, 'log'))))
  const findings: Finding[] = [
    ...findingsOfDirectory(dir, entries, isStore),
    ...(isStore ? await judge(looks, entries!) : []),
  ]
  return {
    dir,
    isStore,
    ok: isStore && findings.every(({ severity }) => severity !== 'problem'),
    sizes,
    formats: formatsOf(looks, last?.record?.format),
    owner: looks?.owner,
    origin: last?.record?.origin ?? looks?.witness?.origin ?? looks?.snapshots.origin,
    head: last && headOf(last),
    sessions: looks?.log?.sessions.size,
    witness: looks?.witness,
    findings: findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity)),
  }
}

const ORDER = ['problem', 'note', 'ok']

/** What is noted of the log is read before the log, which only grows. */
async function look({ dir, deep = false, ...options }: ExamineOptions): Promise<Looks> {
  const { signal } = options
  const owner = await ownerOf(dir)
  let witnessError: unknown
  const witness = await readWitness(dir).catch(error => {
    witnessError = error
    return undefined
  })
  const snapshots = await FoundSnapshots.in(join(dir, 'sessions_v3'), signal)
  const isHeld = owner?.holds === true
  const files = new LevelFiles(join(dir, 'log'))
  const hasLog = await files.any()
  const isShut = isHeld && process.platform === 'win32'
  const damages = hasLog && !isShut ? await check(files, isHeld, signal) : []
  let log: SeenLog | undefined
  let refusal: unknown
  // At some damages LevelDB ends the process.
  if (hasLog && !isShut && damages.length === 0) {
    const paths = [...snapshots.heads, ...snapshots.unreadable].map(({ path }) => path)
    const looking = { ...options, deep, witness, snapshots: paths, isHeld }
    log = await seeLog(dir, looking).catch(error => {
      signal?.throwIfAborted()
      if (!hasCode(error)) throw error
      refusal = error
      return undefined
    })
  }
  return { dir, owner, hasLog, witness, witnessError, snapshots, damages, isShut, log, refusal }
}

/** How often a log that changes meanwhile is looked at again. */
const ATTEMPTS_MAX = 5

async function check(files: LevelFiles, isHeld: boolean, signal: AbortSignal | undefined): Promise<Damage[]> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const damages: Damage[] = []
    await files.check(damage => damages.push(damage))
    if (damages.length === 0 || !isHeld || attempt === ATTEMPTS_MAX) return damages
  }
}

async function judge(looks: Looks, entries: readonly Dirent[]): Promise<Finding[]> {
  return [
    ...findingsOfOwner(looks),
    ...findingsOfLog(looks),
    ...findingsOfHead(looks),
    ...(await findingsOfSnapshots(looks)),
    ...findingsOfLeftovers(looks, entries),
  ]
}

function isAnyStore({ hasLog, witness, witnessError, snapshots }: Looks): boolean {
  const files = snapshots.heads.length + snapshots.unreadable.length
  return hasLog || witness !== undefined || witnessError !== undefined || files > 0
}

function headOf({ position, root, recordedAt }: SeenLog | LastWord): Examination['head'] {
  return position === undefined ? undefined : { position, root, recordedAt }
}

function formatsOf(looks: Looks | undefined, log: number | undefined): Examination['formats'] {
  const { witness, snapshots } = looks ?? {}
  // The newest: older ones are replaced as their sessions change.
  const newest = snapshots?.heads.reduce<number | undefined>(
    (format, head) => Math.max(format ?? 0, head.format),
    undefined,
  )
  return { log, head: witness?.format, snapshots: newest }
}

function sizeOf(path: string): DiskUse {
  return isDirectory(path) ? diskUse(path) : { files: 0, bytes: 0, changedAt: 0 }
}

/** Under a file there is nothing, which Node.js 20 does not take for an absence. */
function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}

/** Undefined where there is no directory. */
async function entriesOf(dir: string): Promise<Dirent[] | undefined> {
  return isDirectory(dir) ? readdir(dir, { withFileTypes: true }) : undefined
}

function checkExamine(options: ExamineOptions): void {
  checkOptions(options, ['dir', 'deep', 'signal', 'onProgress'])
  checkPath(options.dir, 'dir')
  checkType(options, 'deep', 'boolean')
  checkType(options, 'onProgress', 'function')
}
