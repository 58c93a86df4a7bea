import { createHash } from 'node:crypto'
import { ARCHIVE_FORMAT, ARCHIVE_MAGIC, type ArchiveFiles } from '../log/archive-file.ts'
import { encodeFrame, frameOf } from '../log/frames.ts'
import type { ArchivedBlock } from '../log/retention.ts'
import { ensureDirectory, replaceFile } from './file.ts'

/** A block that has no place yet, and its item, encoded. */
export interface NewBlock extends Omit<ArchivedBlock, 'file' | 'offset' | 'length'> {
  readonly body: Uint8Array
}

/** Writes a file of the archive; resolves with where the blocks lie in it, once they are on the disk. */
export async function writeArchiveFile(
  files: ArchiveFiles,
  origin: string,
  file: number,
  blocks: AsyncIterable<NewBlock>,
): Promise<ArchivedBlock[]> {
  const places: ArchivedBlock[] = []
  let failure: { readonly error: unknown } | undefined
  async function* bytes(): AsyncGenerator<Buffer, void, undefined> {
    const hash = createHash('sha256')
    let offset = 0
    const added = (frame: Buffer) => {
      hash.update(frame)
      offset += frame.length
      return frame
    }
    try {
      yield added(headOf(origin, file))
      for await (const { sessionId, firstVersion, lastVersion, recordedAt, body } of blocks) {
        const frame = frameOf(body)
        const place = { file, offset, length: frame.length }
        places.push({ sessionId, firstVersion, lastVersion, recordedAt, ...place })
        yield added(frame)
      }
      yield endOf(places.length, hash.digest())
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  await ensureDirectory(files.path)
  await replaceFile(files.pathOf(file), bytes()).catch(error => {
    throw failure === undefined ? error : failure.error
  })
  return places
}

/** How long a file is that has these blocks and no others. */
export function sizeWith(origin: string, file: number, blocks: readonly ArchivedBlock[]): number {
  const frames = blocks.reduce((sum, { length }) => sum + length, 0)
  return headOf(origin, file).length + frames + endOf(blocks.length, Buffer.alloc(32)).length
}

function headOf(origin: string, file: number): Buffer {
  return encodeFrame([ARCHIVE_MAGIC, ARCHIVE_FORMAT, origin, file])
}

function endOf(blocks: number, hash: Buffer): Buffer {
  return encodeFrame([blocks, hash])
}
