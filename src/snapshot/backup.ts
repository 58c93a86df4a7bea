import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { SessionlogError } from '../errors.ts'
import { MerkleTree } from '../log/chain.ts'
import { acquireLock } from '../log/lock.ts'
import { BACKUP_FORMAT, type BackupList, readList, writeList } from './backup-list.ts'
import { type BackupOptions, BackupRun, type BackupSource } from './backup-run.ts'
import { ensureDirectory, removeFile, replaceFile, sweepTemporaries } from './file.ts'

export interface BackupReport {
  /** Up to where the backup goes now. */
  readonly position: number
  /** The root of the tree over all events up to there. */
  readonly root: string
  /** New events of this run, and the bytes that they take. */
  readonly events: number
  readonly bytes: number
  readonly durationMs: number
}

/**
 * Adds to a backup whatever the log has and it has not. The log only grows, so its events up to a position are the same
 * whenever they are read: nothing has to stand still for it. Every event is compared with its hash, every commit with the
 * root of the tree. A run that is killed leaves at most a file that the backup doesn't name, which the next replaces.
 */
export async function takeBackup(
  source: BackupSource,
  dest: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  await ensureDirectory(dest)
  // Two at once would each take away what the other has written.
  const lock = await acquireLock(dest)
  return add(source, dest, options).finally(() => lock.release())
}

async function add(source: BackupSource, dest: string, options: BackupOptions): Promise<BackupReport> {
  const startMs = performance.now()
  options.signal?.throwIfAborted()
  const before = await readList(dest)
  if (before !== undefined) await checkWhole(dest, before)
  const cuts = await cutsOf(source)
  // Before the position is asked for: no expiry may be of a later event.
  const expiries = await expiriesOf(source)
  const to = source.position()
  if (before !== undefined) checkSame(before, source.record.origin, to, dest)
  const after = before?.position ?? 0
  const run = new BackupRun(source, cuts, new MerkleTree(after, before?.peaks ?? []), options)
  const parts = [...(before?.parts ?? [])]
  if (to > after) {
    const file = `events-${after + 1}-${to}.slogb`
    const failure = await replaceFile(join(dest, file), run.bytes(after, to)).catch(
      error => run.failure ?? error,
    )
    // What was read in part before and in part after makes no whole.
    if (!isDeepStrictEqual(await cutsOf(source), cuts)) throw prunedMeanwhile()
    if (failure !== undefined) throw failure
    parts.push({ file, after, to, bytes: run.length, sha256: run.sha256() })
  }
  const { tree } = run
  const [position, root] = [tree.size, tree.root()]
  const list: BackupList = {
    format: BACKUP_FORMAT,
    store: source.record,
    position,
    root,
    peaks: [...tree.peaks],
    takenAt: Date.now(),
    parts,
    ...((cuts.size > 0 || before?.pruned) && { pruned: true as const }),
    expiries,
  }
  await writeList(dest, list)
  await sweep(dest, list)
  return {
    position,
    root,
    events: to - after,
    bytes: run.length,
    durationMs: Math.round(performance.now() - startMs),
  }
}

async function expiriesOf({ log }: BackupSource): Promise<BackupList['expiries']> {
  const expiries = []
  const view = await log.view()
  for await (const page of view.expiries())
    for (const { expiresAt, ...each } of page)
      expiries.push({ ...each, expiresAt: Number.isFinite(expiresAt) ? expiresAt : null })
  await view.close()
  return expiries
}

/** The versions that pruned sessions are cut at. */
async function cutsOf({ log }: BackupSource): Promise<Map<string, number>> {
  const cuts = new Map<string, number>()
  const view = await log.view()
  for await (const page of view.retentions())
    for (const { sessionId, cut } of page) if (cut > 0) cuts.set(sessionId, cut)
  await view.close()
  return cuts
}

function prunedMeanwhile(): SessionlogError {
  const message = 'The store was pruned while the backup was taken: take it again'
  return new SessionlogError('SESSIONLOG_COMPACTION_RUNNING', message)
}

/** What a run that was killed left behind. */
async function sweep(dest: string, { parts }: BackupList): Promise<void> {
  await sweepTemporaries(dest)
  const known = new Set(parts.map(({ file }) => file))
  for (const file of await readdir(dest))
    if (/^events-\d+-\d+\.slogb$/.test(file) && !known.has(file)) await removeFile(join(dest, file))
}

/** A part that is gone, or cut, would only be missed when it is needed. */
async function checkWhole(dest: string, { parts }: BackupList): Promise<void> {
  for (const { file, bytes } of parts) {
    const path = join(dest, file)
    const size = await stat(path).then(
      found => found.size,
      () => undefined,
    )
    if (size === bytes) continue
    const message = `${path} is ${size === undefined ? 'gone' : 'not as long as it was'}: begin a new backup in another directory`
    throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { path })
  }
}

function checkSame({ store, position }: BackupList, origin: string, now: number, path: string): void {
  if (store.origin === origin && position <= now) return
  const what =
    store.origin === origin
      ? `this store with ${position} events, it has ${now}`
      : `another store, ${store.origin}`
  throw new SessionlogError('SESSIONLOG_EVENTS_MISSING', `The backup in ${path} is of ${what}`, { path })
}
