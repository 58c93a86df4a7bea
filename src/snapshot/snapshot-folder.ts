import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecordedState } from '../log/recorded-state.ts'
import { ensureDirectory, type FileEntry, replaceFiles, sweepTemporaries } from './file.ts'
import { formatSnapshot, readStoredSnapshot, type StoredSnapshot, snapshotPath } from './snapshot.ts'

/** A snapshot that could not be written or removed. */
export interface CompactionProblem {
  readonly sessionId: string
  /** Of the snapshot, where it could not be written; without one the session's log is damaged. */
  readonly path?: string
  readonly error: Error
}

export interface FolderUpdate {
  readonly written: number
  readonly removed: number
  readonly problems: readonly CompactionProblem[]
}

/** What is in a file that should be a snapshot. */
export interface SnapshotFile {
  readonly path: string
  readonly snapshot?: StoredSnapshot
  /** Why it is none. */
  readonly error?: unknown
}

/** Files that are read side by side: one after the other takes most of its time waiting. */
const READ_AT_ONCE = 64

/** The folder of snapshots: one file a session that has a state. */
export class SnapshotFolder {
  readonly path: string
  /** Up to which position every session's snapshot is there, as far as is known. */
  completeTo: number
  readonly #origin: string

  constructor(path: string, origin: string, completeTo: number) {
    this.path = path
    this.#origin = origin
    this.completeTo = completeTo
  }

  /** Makes the folder, and removes what a killed process left half written. */
  async open(): Promise<void> {
    await ensureDirectory(this.path)
    await sweepTemporaries(this.path)
  }

  /** Writes the snapshots of sessions that have a state and removes those of the others. */
  async update(states: readonly RecordedState[]): Promise<FolderUpdate> {
    const problems: CompactionProblem[] = []
    const entries = new Map(states.map(state => [snapshotPath(this.path, state.sessionId), state]))
    await replaceFiles(this.#files(entries), {
      onFailure: (error, { path }) => problems.push({ sessionId: entries.get(path)!.sessionId, path, error }),
    })
    const failed = new Set(problems.map(problem => problem.sessionId))
    const done = states.filter(state => !failed.has(state.sessionId))
    const removed = done.filter(state => state.state === undefined).length
    return { written: done.length - removed, removed, problems }
  }

  /** Every snapshot in the folder, or why a file is none. */
  async *read(): AsyncIterable<SnapshotFile> {
    const names = (await readdir(this.path)).filter(name => name.endsWith('.json')).sort()
    const read = (at: number) =>
      Promise.all(names.slice(at, at + READ_AT_ONCE).map(name => readFile(join(this.path, name))))
    let next = read(0)
    for (let at = 0; at < names.length; at += READ_AT_ONCE) {
      const files = await next
      // On their way while these are looked at.
      next = read(at + READ_AT_ONCE)
      for (const file of files) if (file !== undefined) yield file
    }
  }

  *#files(entries: ReadonlyMap<string, RecordedState>): Iterable<FileEntry> {
    for (const [path, state] of entries) {
      yield {
        path,
        data: state.state === undefined ? undefined : formatSnapshot({ ...state, origin: this.#origin }),
      }
    }
  }
}

/** Undefined where the file is gone meanwhile. */
async function readFile(path: string): Promise<SnapshotFile | undefined> {
  try {
    const snapshot = await readStoredSnapshot(path)
    return snapshot && { path, snapshot }
  } catch (error) {
    return { path, error }
  }
}
