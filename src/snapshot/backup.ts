import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionlogError } from '../errors.ts'
import { MerkleTree } from '../log/chain.ts'
import { acquireLock } from '../log/lock.ts'
import type { CommitRecord, EventLog, LogView, StoreRecord } from '../log/port.ts'
import { packRecord } from '../log/record.ts'
import { RecordReader } from '../log/record-reader.ts'
import { type BackupItem, encodeItem } from './backup-file.ts'
import { BACKUP_FORMAT, type BackupList, readList, writeList } from './backup-list.ts'
import { ensureDirectory, removeFile, replaceFile, sweepTemporaries } from './file.ts'

/** How to take a backup. */
export interface BackupOptions {
  /** Ends it with its reason: what the backup held before, it still holds. */
  signal?: AbortSignal
  /** Told now and then how many events have been written, of how many. */
  onProgress?: (progress: { readonly events: number; readonly of: number }) => void
}

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

export interface BackupSource {
  readonly record: StoreRecord
  readonly log: Pick<EventLog, 'read' | 'commits'> & { view(): LogView | Promise<LogView> }
  /** Of the last acknowledged event; by then it is on the disk. */
  readonly position: () => number
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
  // Before the position is asked for: no expiry may be of a later event.
  const expiries = await expiriesOf(source)
  const to = source.position()
  if (before !== undefined) checkSame(before, source.record.origin, to, dest)
  const after = before?.position ?? 0
  const run = new Run(source, new MerkleTree(after, before?.peaks ?? []), options)
  const parts = [...(before?.parts ?? [])]
  if (to > after) {
    const file = `events-${after + 1}-${to}.slogb`
    await replaceFile(join(dest, file), run.bytes(after, to)).catch(error => {
      throw run.failure ?? error
    })
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

const HASH_BYTES = 32
const PROGRESS_EVENTS = 10_000

async function expiriesOf({ log }: BackupSource): Promise<BackupList['expiries']> {
  const expiries = []
  const view = await log.view()
  for await (const page of view.expiries())
    for (const { expiresAt, ...each } of page)
      expiries.push({ ...each, expiresAt: Number.isFinite(expiresAt) ? expiresAt : null })
  await view.close()
  return expiries
}

class Run {
  readonly tree: MerkleTree
  length = 0
  /** What the log could not be read for. */
  failure: unknown
  readonly #source: BackupSource
  readonly #options: BackupOptions
  readonly #hash = createHash('sha256')

  constructor(source: BackupSource, tree: MerkleTree, options: BackupOptions) {
    this.#source = source
    this.tree = tree
    this.#options = options
  }

  sha256(): string {
    return this.#hash.digest('hex')
  }

  /** Commits first: they say which events of which sessions belong here. */
  async *bytes(after: number, to: number): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* this.#items(after, to)
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  async *#items(after: number, to: number): AsyncGenerator<Buffer, void, undefined> {
    const { log } = this.#source
    const { signal, onProgress } = this.#options
    const commits: CommitRecord[] = []
    const ranges = new Map<string, { from: number; to: number }>()
    for await (const page of log.commits(after, signal)) {
      for (const commit of page) {
        if (commit.lastPosition > to) break
        commits.push(commit)
        for (const { sessionId, firstVersion, count } of commit.runs) {
          const range = ranges.get(sessionId)
          if (range === undefined) ranges.set(sessionId, { from: firstVersion, to: firstVersion + count - 1 })
          else range.to = firstVersion + count - 1
        }
        yield this.#item({ kind: 'commit', commit })
      }
    }
    const leaves = Buffer.alloc(HASH_BYTES * (to - after))
    const reader = new RecordReader(log)
    let events = 0
    for (const [sessionId, range] of ranges) {
      for await (const part of reader.session(sessionId, { ...range, signal })) {
        for (const { hash, position } of part) leaves.write(hash, HASH_BYTES * (position - after - 1), 'hex')
        events += part.length
        if (events % PROGRESS_EVENTS < part.length) onProgress?.({ events, of: to - after })
        const { version: firstVersion, position: firstPosition } = part[0]!
        const record = { sessionId, firstVersion, firstPosition, bytes: packRecord(part) }
        yield this.#item({ kind: 'record', record })
      }
    }
    this.#checkRoots(commits, leaves, after)
  }

  #item(item: BackupItem): Buffer {
    const bytes = encodeItem(item)
    this.#hash.update(bytes)
    this.length += bytes.length
    return bytes
  }

  #checkRoots(commits: readonly CommitRecord[], leaves: Buffer, after: number): void {
    for (const { lastPosition, root } of commits) {
      for (let at = this.tree.size - after; at < lastPosition - after; at++)
        this.tree.append(leaves.toString('hex', HASH_BYTES * at, HASH_BYTES * (at + 1)))
      if (this.tree.root() === root) continue
      const message = `The events up to position ${lastPosition} are not as their root says`
      throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { position: lastPosition })
    }
  }
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
