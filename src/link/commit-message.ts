import type { FollowedCommit } from '../log/followed.ts'
import {
  commitFromPlain,
  commitToPlain,
  type PlainCommit,
  type PlainRecord,
  recordFromPlain,
  recordToPlain,
} from '../log/plain-form.ts'
import type { LogOperation } from '../log/port.ts'
import { encodeMessage } from './frame.ts'
import { MESSAGE } from './message.ts'

/** The message that tells followers of a commit; undefined where the operations hold none. */
export function commitMessage(operations: readonly LogOperation[]): Buffer | undefined {
  const commit = operations.find(each => each.op === 'commit')?.commit
  if (commit === undefined) return undefined
  const records = operations.flatMap(each => (each.op === 'record' ? [recordToPlain(each)] : []))
  return encodeMessage([MESSAGE.COMMIT, commitToPlain(commit), records])
}

export function followedFromWire(commit: unknown, records: unknown): FollowedCommit {
  return {
    commit: commitFromPlain(commit as PlainCommit),
    records: (records as readonly PlainRecord[]).map(recordFromPlain),
  }
}
