import { hasCode } from '../errors.ts'
import { RANGE } from '../log/keys.ts'
import { decodeCommit, decodeStore, STORE_KEY } from '../log/level-entries.ts'
import type { CommitRecord, StoreRecord } from '../log/port.ts'
import { LevelFiles } from './level-files.ts'

/** What a log that can't be opened says of itself. */
export interface LastWord {
  readonly record: StoreRecord | undefined
  /** Of the last commit that can be read; undefined where there is none. */
  readonly position?: number
  readonly root: string
  readonly recordedAt: number
}

/** Reads the store's record and its last commit. `path` is that of the log. */
export async function lastWordOf(path: string): Promise<LastWord> {
  let record: StoreRecord | undefined
  let written = 0
  let commit: CommitRecord | undefined
  for await (const { key: bytes, value, sequence } of new LevelFiles(path).entries(() => {})) {
    const key = bytes.toString()
    if (value === undefined) continue
    try {
      if (key === STORE_KEY && sequence >= written) {
        record = decodeStore(value)
        written = sequence
      } else if (key.startsWith(RANGE.commit)) {
        const found = decodeCommit(key, value)
        if (found.lastPosition > (commit?.lastPosition ?? 0)) commit = found
      }
    } catch (error) {
      if (!hasCode(error, 'SESSIONLOG_CORRUPTION')) throw error
    }
  }
  const { lastPosition, root = '', recordedAt = 0 } = commit ?? {}
  return { record, ...(lastPosition !== undefined && { position: lastPosition }), root, recordedAt }
}
