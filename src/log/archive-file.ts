import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { SessionlogError } from '../errors.ts'
import { encodeCbor, tryDecodeCbor } from '../state/cbor-values.ts'
import { sha256 } from './chain.ts'
import { bodyOf } from './frames.ts'
import type { LogRecord } from './port.ts'
import type { ArchivedBlock } from './retention.ts'

/**
 * A file of the archive is a sequence of frames: `['sessionlog archive', format, origin, number]`, then blocks, then
 * `[blocks, hash]`, the SHA-256 of all bytes before it. A block is `[sessionId, firstVersion, hash, packed]`: the SHA-256
 * of `packed`, which is raw DEFLATE (RFC 1951) of CBOR, a list of `[firstVersion, record]`.
 */
export const ARCHIVE_FORMAT = 1
export const ARCHIVE_MAGIC = 'sessionlog archive'

/** Which block of a session, and where it lies. */
export type BlockPlace = Pick<ArchivedBlock, 'sessionId' | 'firstVersion' | 'file' | 'offset' | 'length'>

/** The item of a block of consecutive records, encoded. */
export async function encodeBlock(records: readonly LogRecord[]): Promise<Uint8Array> {
  const { sessionId, firstVersion } = records[0]!
  const packed = await deflate(encodeCbor(records.map(record => [record.firstVersion, record.bytes])))
  return encodeCbor([sessionId, firstVersion, Buffer.from(sha256(packed), 'hex'), packed])
}

/** The records of a block; undefined where the bytes are not what was written. */
export async function decodeBlock(bytes: Uint8Array): Promise<LogRecord[] | undefined> {
  const [sessionId, first, hash, packed] = (tryDecodeCbor(bytes) as unknown[] | undefined) ?? []
  if (typeof sessionId !== 'string' || !(hash instanceof Uint8Array) || !(packed instanceof Uint8Array))
    return undefined
  if (sha256(packed) !== Buffer.from(hash).toString('hex')) return undefined
  const records = tryDecodeCbor(await inflate(packed)) as [number, Uint8Array][]
  if (records[0]?.[0] !== first) return undefined
  return records.map(([firstVersion, record]) => ({
    sessionId,
    firstVersion,
    bytes: record,
    isArchived: true,
  }))
}

/** The files of an archive, by their numbers. */
export class ArchiveFiles {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  pathOf(file: number): string {
    return join(this.path, archiveName(file))
  }

  /**
   * A block's own bytes; none where its frame isn't there. `SESSIONLOG_IO_ERROR` where its file can't be read, with ENOENT
   * as its cause where it is gone.
   */
  async read({ file, offset, length }: BlockPlace): Promise<Buffer> {
    const path = this.pathOf(file)
    let handle: FileHandle | undefined
    try {
      handle = await open(path, 'r')
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, offset)
      return bodyOf(buffer.subarray(0, bytesRead))
    } catch (cause) {
      throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot read ${path}`, { cause, path })
    } finally {
      await handle?.close()
    }
  }

  async records(place: BlockPlace): Promise<LogRecord[]> {
    const { sessionId, firstVersion, file } = place
    const records = await decodeBlock(await this.read(place))
    if (records?.[0]?.sessionId === sessionId && records[0].firstVersion === firstVersion) return records
    const path = this.pathOf(file)
    const message = `Version ${firstVersion} of session '${sessionId}' stands in ${path}, which is damaged`
    throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId, version: firstVersion, path })
  }
}

export function archiveName(file: number): string {
  return `${String(file).padStart(6, '0')}.slogarchive`
}

/** The number in a file's name; undefined for any other file. */
export function archiveNumber(name: string): number | undefined {
  const number = Number(/^(\d{6,})\.slogarchive$/.exec(name)?.[1])
  return Number.isSafeInteger(number) ? number : undefined
}

const deflate = promisify(deflateRaw) as (bytes: Uint8Array) => Promise<Buffer>
const inflate = promisify(inflateRaw) as (bytes: Uint8Array) => Promise<Buffer>
