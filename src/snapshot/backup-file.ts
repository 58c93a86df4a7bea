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
  let rest: Buffer = Buffer.alloc(0)
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
    hash.update(piece)
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    let at = 0
    while (rest.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + rest.readUInt32BE(at)
      if (rest.length < end) break
      yield decodeItem(rest.subarray(at + LENGTH_BYTES, end), path)
      at = end
    }
    rest = rest.subarray(at)
  }
  if (rest.length > 0 || hash.digest('hex') !== sha256) throw damaged(path)
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
