import { basename } from 'node:path'
import { isAbsent } from '../snapshot/disk-use.ts'
import { fileNameFor } from '../snapshot/file-name.ts'
import { readSnapshot, type Snapshot, type StoredSnapshot } from '../snapshot/snapshot.ts'
import { SnapshotFolder } from '../snapshot/snapshot-folder.ts'
import type { OnFileDamage } from './level-files.ts'

/** Of a snapshot, all but its state. */
export type SnapshotHead = Omit<StoredSnapshot, 'json'> & { readonly path: string }

/** The snapshots of a folder, without their states. */
export class FoundSnapshots {
  readonly heads: readonly SnapshotHead[]
  /** Files that are none, and why. */
  readonly unreadable: readonly { readonly path: string; readonly error: unknown }[]

  private constructor(heads: readonly SnapshotHead[], unreadable: FoundSnapshots['unreadable']) {
    this.heads = heads
    this.unreadable = unreadable
  }

  static async in(path: string, signal?: AbortSignal): Promise<FoundSnapshots> {
    const heads: SnapshotHead[] = []
    const unreadable: { path: string; error: unknown }[] = []
    try {
      for await (const { path: file, snapshot, error } of new SnapshotFolder(path, '', 0).read()) {
        signal?.throwIfAborted()
        if (snapshot === undefined) unreadable.push({ path: file, error })
        else {
          const { json: _, ...head } = snapshot
          heads.push({ ...head, path: file })
        }
      }
    } catch (error) {
      if (!isAbsent(error) && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error
    }
    return new FoundSnapshots(heads, unreadable)
  }

  /** The store that most of them are of. */
  get origin(): string | undefined {
    const counts = new Map<string, number>()
    for (const { origin } of this.heads) counts.set(origin, (counts.get(origin) ?? 0) + 1)
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
  }

  /** By session, those of one store. */
  of(origin: string): Map<string, SnapshotHead> {
    const own = this.heads.filter(head => head.origin === origin)
    return new Map(own.map(head => [head.sessionId, head]))
  }

  /** Files that cannot be read, and that are of none of these sessions. */
  strange(sessions: Iterable<string>): string[] {
    const names = new Set([...sessions].map(fileNameFor))
    return this.unreadable.map(({ path }) => path).filter(path => !names.has(basename(path)))
  }
}

/** A snapshot that was there when its head was read; undefined where it is not what it was, or its state is none. */
export async function readFound(head: SnapshotHead, onDamage: OnFileDamage): Promise<Snapshot | undefined> {
  const { path } = head
  try {
    const snapshot = await readSnapshot(path)
    if (snapshot?.version === head.version) return snapshot
    onDamage({ path, what: 'it changed while it was read' })
  } catch (error) {
    onDamage({ path, what: (error as Error).message })
  }
  return undefined
}
