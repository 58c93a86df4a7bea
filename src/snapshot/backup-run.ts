import { createHash } from 'node:crypto'
import { SessionlogError } from '../errors.ts'
import type { MerkleTree } from '../log/chain.ts'
import type { CommitRecord, EventLog, LogView, StoreRecord } from '../log/port.ts'
import { packRecord } from '../log/record.ts'
import { RecordReader } from '../log/record-reader.ts'
import type { PrunedRun } from '../log/retention.ts'
import { type BackupItem, encodeItem } from './backup-file.ts'

/** How to take a backup. */
export interface BackupOptions {
  /** Ends it with its reason: what the backup held before, it still holds. */
  signal?: AbortSignal
  /** Told now and then how many events have been written, of how many. */
  onProgress?: (progress: { readonly events: number; readonly of: number }) => void
}

export interface BackupSource {
  readonly record: StoreRecord
  readonly log: Pick<EventLog, 'read' | 'commits'> & { view(): LogView | Promise<LogView> }
  /** Of the last acknowledged event; by then it is on the disk. */
  readonly position: () => number
}

const HASH_BYTES = 32
const PROGRESS_EVENTS = 10_000

/** What one run adds to a backup, and the tree after it. */
export class BackupRun {
  readonly tree: MerkleTree
  length = 0
  /** What the log could not be read for. */
  failure: unknown
  readonly #source: BackupSource
  readonly #cuts: ReadonlyMap<string, number>
  readonly #options: BackupOptions
  readonly #hash = createHash('sha256')

  constructor(
    source: BackupSource,
    cuts: ReadonlyMap<string, number>,
    tree: MerkleTree,
    options: BackupOptions,
  ) {
    this.#source = source
    this.#cuts = cuts
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
    for await (const run of this.#pruned(after, to)) {
      for (const { hash, position } of run.events)
        leaves.write(hash, HASH_BYTES * (position - after - 1), 'hex')
      events += run.events.length
      yield this.#item({ kind: 'pruned', run })
    }
    for (const [sessionId, range] of ranges) {
      const from = Math.max(range.from, this.#cuts.get(sessionId) ?? 1)
      if (from > range.to) continue
      for await (const part of reader.session(sessionId, { from, to: range.to, signal })) {
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

  /** What is left of pruned events, those within the positions. */
  async *#pruned(after: number, to: number): AsyncGenerator<PrunedRun, void, undefined> {
    if (this.#cuts.size === 0) return
    const view = await this.#source.log.view()
    try {
      for await (const page of view.pruned(this.#options.signal)) {
        for (const { sessionId, firstVersion, events } of page) {
          const begin = events.findIndex(({ position }) => position > after)
          const end = events.findLastIndex(({ position }) => position <= to)
          if (begin < 0 || end < begin) continue
          yield { sessionId, firstVersion: firstVersion + begin, events: events.slice(begin, end + 1) }
        }
      }
    } finally {
      await view.close()
    }
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
