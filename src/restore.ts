import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { checkNumber, checkOptions, checkPath, checkType, wrong } from './arguments.ts'
import { SessionlogError } from './errors.ts'
import { FORMAT } from './log/format.ts'
import { acquireLock } from './log/lock.ts'
import { openLevelLog } from './log/open-level.ts'
import type { EventLog, LogOperation } from './log/port.ts'
import { type RawEvent, readRecord } from './log/record.ts'
import { checkEmpty, makeStore, operationsOf, settleStore } from './new-store.ts'
import { RestoredCuts } from './restored-cuts.ts'
import { readItems } from './snapshot/backup-file.ts'
import { type BackupList, type BackupPart, expiriesOf, readList } from './snapshot/backup-list.ts'

/** From where, into which directory, and up to when. */
export interface RestoreOptions {
  /** The directory of the backup. */
  from: string
  /** An empty directory, or one that isn't there yet. */
  dir: string
  /** The position of the last event of a commit. Default: all that the backup holds. */
  toPosition?: number
  /** Up to the last commit by that time, ms since the epoch. */
  toTime?: number
  /** Ends it with its reason; nothing is left of it. */
  signal?: AbortSignal
  /** Told now and then how many events have been written. */
  onProgress?: (progress: { readonly events: number }) => void
}

export interface RestoreReport {
  /** Of the new store: versions and positions are those of the old one, checkpoints are not. */
  readonly origin: string
  readonly position: number
  readonly root: string
  readonly sessions: number
}

/** Written at once: so many operations at the least. */
const BATCH = 1000

/**
 * Makes a store from a backup, as it was at the end of a commit. Every event is compared with its hash, the whole with the
 * root of that commit. The new store has an origin of its own, so that nobody takes what it goes on with for what the old
 * one did. `SESSIONLOG_VERSION_NOT_FOUND` where the position is inside a commit, or beyond what the backup holds.
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  checkRestore(options)
  const { from, dir, signal } = options
  const list = await readList(from)
  if (list === undefined) throw wrong(`There is no backup in '${from}'`, 'from')
  await checkEmpty(dir)
  const to = await endOf(from, list.parts, list.position, options)
  return makeStore(dir, async place => {
    const recordedAt = await fill(place, { from, list, to, origin: randomUUID(), options })
    signal?.throwIfAborted()
    return settleStore(place, recordedAt, ({ origin, size: sessions }, root) => ({
      origin,
      position: to,
      root,
      sessions,
    }))
  })
}

interface Restoring {
  readonly from: string
  readonly list: BackupList
  readonly to: number
  readonly origin: string
  readonly options: RestoreOptions
}

/** Answers with the time of the last commit. */
async function fill(place: string, { from, list, to, origin, options }: Restoring): Promise<number> {
  const lock = await acquireLock(place)
  try {
    const log = await openLevelLog(join(place, 'log'))
    try {
      const { recordedAt, heads, cuts } = await write(log, { from, list, to, options })
      // Later touches are of later versions.
      const touched = expiriesOf(list).filter(({ sessionId, version }) => heads.get(sessionId) === version)
      const record = {
        ...list.store,
        format: FORMAT,
        origin,
        restoredFrom: { origin: list.store.origin, position: to },
      }
      await log.write(
        [
          ...touched.map(each => ({ op: 'expiry' as const, ...each })),
          ...cuts.operations,
          { op: 'store', record },
        ],
        true,
      )
      return recordedAt
    } finally {
      await log.close()
    }
  } finally {
    await lock.release()
  }
}

/** Answers with the time of the last commit, and the last version of each session. */
async function write(
  log: EventLog,
  { from, list: { parts, pruned }, to, options: { signal, onProgress } }: Omit<Restoring, 'origin'>,
): Promise<{ recordedAt: number; heads: ReadonlyMap<string, number>; cuts: RestoredCuts }> {
  // Where nothing was ever pruned, it is enough to listen on the way.
  const cuts = pruned ? await RestoredCuts.read(from, parts, to) : new RestoredCuts()
  const heads = new Map<string, number>()
  let recordedAt = 0
  let operations: LogOperation[] = []
  let events = 0
  const flush = async () => {
    signal?.throwIfAborted()
    await log.write(operations, false)
    operations = []
    onProgress?.({ events })
  }
  for (const { file, after, sha256 } of parts) {
    if (after >= to) break
    let run: RawEvent[] = []
    const close = () => {
      const last = run.at(-1)
      if (last === undefined) return
      heads.set(last.sessionId, last.version)
      const { kept, operations: stubs } = cuts.part(run)
      operations.push(...stubs, ...operationsOf(kept))
      events += run.length
      run = []
    }
    for await (const item of readItems(join(from, file), sha256)) {
      if (item.kind === 'commit') {
        if (item.commit.lastPosition > to) continue
        operations.push({ op: 'commit', commit: item.commit })
        recordedAt = item.commit.recordedAt
      } else if (item.kind === 'pruned') operations.push(...cuts.pruned(item.run, to))
      else {
        const found = readRecord(item.record).filter(({ position }) => position <= to)
        if (run.length > 0 && found[0]?.sessionId !== run[0]!.sessionId) close()
        if (!pruned) for (const event of found) cuts.hear(event)
        run.push(...found)
      }
      if (operations.length >= BATCH) await flush()
    }
    close()
    await flush()
  }
  return { recordedAt, heads, cuts }
}

/** The position of the last commit that is asked for. */
async function endOf(
  from: string,
  parts: readonly BackupPart[],
  position: number,
  { toPosition, toTime }: RestoreOptions,
): Promise<number> {
  if (toPosition === undefined && toTime === undefined) return position
  if (toPosition === 0) return 0
  if (toPosition !== undefined && toPosition > position)
    throw notFound(`The backup has no position ${toPosition}: its last is ${position}`, toPosition)
  let end = 0
  for (const { file, sha256, after } of parts) {
    if (toPosition !== undefined && after >= toPosition) break
    for await (const item of readItems(join(from, file), sha256)) {
      if (item.kind !== 'commit') continue
      const { firstPosition, lastPosition, recordedAt } = item.commit
      if (toPosition === undefined ? recordedAt <= toTime! : lastPosition <= toPosition) end = lastPosition
      else if (toPosition !== undefined && firstPosition <= toPosition) {
        const message = `Position ${toPosition} is inside the commit of ${firstPosition} to ${lastPosition}, which is all or nothing`
        throw notFound(message, toPosition)
      }
    }
  }
  return end
}

function checkRestore(options: RestoreOptions): void {
  checkOptions(options, ['from', 'dir', 'toPosition', 'toTime', 'signal', 'onProgress'])
  checkPath(options.from, 'from')
  checkPath(options.dir, 'dir')
  checkNumber(options, 'toPosition', 0)
  if (options.toTime !== undefined && !Number.isFinite(options.toTime))
    throw wrong('toTime must be a finite number', 'toTime')
  checkType(options, 'onProgress', 'function')
  if (options.toPosition !== undefined && options.toTime !== undefined)
    throw wrong('Either toPosition or toTime may be given', 'toTime')
}

function notFound(message: string, position: number): SessionlogError {
  return new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message, { position })
}
