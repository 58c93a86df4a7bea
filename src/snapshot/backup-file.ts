import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { SessionlogError } from '../errors.ts'
import { encodeFrame, readFrames } from '../log/frames.ts'
import {
  commitFromPlain,
  commitToPlain,
  type PlainCommit,
  type PlainRecord,
  recordFromPlain,
  recordToPlain,
} from '../log/plain-form.ts'
import type { CommitRecord, LogRecord } from '../log/port.ts'
import type { PrunedRun } from '../log/retention.ts'
import { tryDecodeCbor } from '../state/cbor-values.ts'

/** What stands in a file of a backup: commits in order, then what is left of pruned events, then the events of each session. */
export type BackupItem =
  | { readonly kind: 'commit'; readonly commit: CommitRecord }
  | { readonly kind: 'record'; readonly record: LogRecord }
  | { readonly kind: 'pruned'; readonly run: PrunedRun }

const KIND = { COMMIT: 1, RECORD: 2, PRUNED: 3 } as const

/** The bytes of a file of a backup, item by item. */
export function encodeItem(item: BackupItem): Buffer {
  if (item.kind === 'commit') return encodeFrame([KIND.COMMIT, commitToPlain(item.commit)])
  if (item.kind === 'record') return encodeFrame([KIND.RECORD, recordToPlain(item.record)])
  const { sessionId, firstVersion, events } = item.run
  const plain = events.map(({ position, recordedAt, hash }) => [position, recordedAt, hash])
  return encodeFrame([KIND.PRUNED, [sessionId, firstVersion, plain]])
}

/**
 * Reads a file of a backup, and compares it with the hash that the backup's own list has of it: before the last item is
 * through. `SESSIONLOG_CORRUPTION` where it is not as it was written.
 */
export async function* readItems(path: string, sha256: string): AsyncGenerator<BackupItem, void, undefined> {
  const hash = createHash('sha256')
  const frames = readFrames(piecesOf(path, hash))
  for (;;) {
    const { done, value } = await frames.next()
    if (!done) yield decodeItem(value, path)
    else if (value > 0 || hash.digest('hex') !== sha256) throw damaged(path)
    else return
  }
}

async function* piecesOf(path: string, hash: Hash): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      hash.update(piece)
      yield piece
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw damaged(path)
    throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot read ${path}`, { cause, path })
  }
}

function decodeItem(bytes: Buffer, path: string): BackupItem {
  const [kind, plain] = (tryDecodeCbor(bytes) as [number, unknown] | undefined) ?? [0, undefined]
  if (kind === KIND.COMMIT && Array.isArray(plain))
    return { kind: 'commit', commit: commitFromPlain(plain as unknown as PlainCommit) }
  if (kind === KIND.RECORD && Array.isArray(plain))
    return { kind: 'record', record: recordFromPlain(plain as unknown as PlainRecord) }
  if (kind === KIND.PRUNED && Array.isArray(plain)) {
    const [sessionId, firstVersion, events] = plain as [string, number, [number, number, string][]]
    const stubs = events.map(([position, recordedAt, hash]) => ({ position, recordedAt, hash }))
    return { kind: 'pruned', run: { sessionId, firstVersion, events: stubs } }
  }
  throw damaged(path)
}

function damaged(path: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `${path} is not as the backup wrote it`, { path })
}
