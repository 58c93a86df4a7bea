import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { SessionlogError } from '../errors.ts'
import {
  commitFromPlain,
  commitToPlain,
  type PlainCommit,
  type PlainRecord,
  recordFromPlain,
  recordToPlain,
} from '../log/plain-form.ts'
import type { CommitRecord, LogRecord } from '../log/port.ts'
import { encodeCbor, tryDecodeCbor } from '../state/cbor-values.ts'

/** What stands in a file of a backup: commits in order, then the events of each session, then the end. */
export type BackupItem =
  | { readonly kind: 'commit'; readonly commit: CommitRecord }
  | { readonly kind: 'record'; readonly record: LogRecord }

const KIND = { COMMIT: 1, RECORD: 2 } as const

const LENGTH_BYTES = 4

/** The bytes of a file of a backup, item by item: the length of each as a 32-bit integer, big-endian, then its CBOR. */
export function encodeItem(item: BackupItem): Buffer {
  const plain =
    item.kind === 'commit'
      ? [KIND.COMMIT, commitToPlain(item.commit)]
      : [KIND.RECORD, recordToPlain(item.record)]
  const body = encodeCbor(plain)
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + body.length)
  bytes.writeUInt32BE(body.length)
  body.copy(bytes, LENGTH_BYTES)
  return bytes
}

/**
 * Reads a file of a backup, and compares it with the hash that the backup's own list has of it: before the last item is
 * through. `SESSIONLOG_CORRUPTION` where it is not as it was written.
 */
export async function* readItems(path: string, sha256: string): AsyncGenerator<BackupItem, void, undefined> {
  const hash = createHash('sha256')
  let pieces: Buffer[] = []
  let bytes = 0
  let wanted = LENGTH_BYTES
  for await (const piece of piecesOf(path)) {
    hash.update(piece)
    pieces.push(piece)
    bytes += piece.length
    // A long item is put together once, not again with each piece.
    if (bytes < wanted) continue
    const all = Buffer.concat(pieces)
    let at = 0
    for (wanted = LENGTH_BYTES; all.length - at >= wanted; wanted = LENGTH_BYTES) {
      wanted += all.readUInt32BE(at)
      if (all.length - at < wanted) break
      yield decodeItem(all.subarray(at + LENGTH_BYTES, at + wanted), path)
      at += wanted
    }
    pieces = [all.subarray(at)]
    bytes = all.length - at
  }
  if (bytes > 0 || hash.digest('hex') !== sha256) throw damaged(path)
}

async function* piecesOf(path: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>
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
  throw damaged(path)
}

function damaged(path: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `${path} is not as the backup wrote it`, { path })
}
