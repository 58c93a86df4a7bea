import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { hasCode, SessionlogError } from '../errors.ts'
import { ARCHIVE_MAGIC, type ArchiveFiles, archiveNumber, decodeBlock } from '../log/archive-file.ts'
import { readFrames } from '../log/frames.ts'
import type { EventLog } from '../log/port.ts'
import type { ArchivedBlock } from '../log/retention.ts'
import type { Writer } from '../log/writer.ts'
import { tryDecodeCbor } from '../state/cbor-values.ts'
import { type NewBlock, sizeWith, writeArchiveFile } from './archive-writer.ts'
import { removeFile, sweepTemporaries } from './file.ts'
import type { CompactionProblem } from './snapshot-folder.ts'

/** What the archive's files belong to. */
export interface ArchivePlace {
  readonly files: ArchiveFiles
  readonly log: EventLog
  readonly writer: Writer
  readonly origin: string
}

/** The number of the next file. */
export async function nextFile({ files, log }: ArchivePlace): Promise<number> {
  let last = Math.max(0, ...(await numbersIn(files)))
  for (const file of (await liveBlocks(log)).keys()) last = Math.max(last, file)
  return last + 1
}

/**
 * Brings the files in line with what the log says is in them: removes those of which nothing is needed, and writes those
 * anew that hold what was pruned. Killed at any moment, the next run goes on. A file that is damaged is left as it is.
 */
export async function sweepArchive(place: ArchivePlace): Promise<CompactionProblem[]> {
  const { files, log, writer, origin } = place
  await sweepTemporaries(files.path)
  const live = await liveBlocks(log)
  const problems: CompactionProblem[] = []
  for (const file of await numbersIn(files)) {
    const path = files.pathOf(file)
    const blocks = live.get(file) ?? []
    if ((await stat(path)).size <= sizeWith(origin, file, blocks)) continue
    if ((await originOf(path)) !== origin) continue
    try {
      if (blocks.length > 0) {
        const moved = await writeArchiveFile(files, origin, await nextFile(place), copies(files, blocks))
        await writer.write(() => moved.map(block => ({ op: 'archive', block, sealed: [] })), true)
      }
      await removeFile(path)
    } catch (error) {
      if (!hasCode(error, 'SESSIONLOG_CORRUPTION')) throw error
      const { sessionId = '' } = error as SessionlogError
      problems.push({ sessionId, error: error as Error })
    }
  }
  return problems
}

async function* copies(
  files: ArchiveFiles,
  blocks: readonly ArchivedBlock[],
): AsyncGenerator<NewBlock, void, undefined> {
  for (const place of blocks) {
    const { sessionId, firstVersion, lastVersion, recordedAt } = place
    const body = await files.read(place)
    if ((await decodeBlock(body)) === undefined) {
      const path = files.pathOf(place.file)
      const message = `Version ${firstVersion} of session '${sessionId}' stands in ${path}, which is damaged`
      throw new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId, version: firstVersion, path })
    }
    yield { sessionId, firstVersion, lastVersion, recordedAt, body }
  }
}

async function liveBlocks(log: EventLog): Promise<Map<number, ArchivedBlock[]>> {
  const live = new Map<number, ArchivedBlock[]>()
  for await (const page of log.archived()) {
    for (const block of page) {
      const blocks = live.get(block.file)
      if (blocks === undefined) live.set(block.file, [block])
      else blocks.push(block)
    }
  }
  return live
}

async function numbersIn({ path }: ArchiveFiles): Promise<number[]> {
  const names = await readdir(path).catch(error => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot read ${path}`, { cause: error, path })
  })
  return names.flatMap(name => archiveNumber(name) ?? []).sort((a, b) => a - b)
}

/** Of the store that wrote a file; undefined where it is none of an archive. */
async function originOf(path: string): Promise<unknown> {
  for await (const frame of readFrames(createReadStream(path))) {
    const [magic, , origin] = (tryDecodeCbor(frame) as unknown[] | undefined) ?? []
    return magic === ARCHIVE_MAGIC ? origin : undefined
  }
  return undefined
}
