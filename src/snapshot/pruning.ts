import { encodeBlock } from '../log/archive-file.ts'
import { decodePayload } from '../log/codec.ts'
import type { LogRecord } from '../log/port.ts'
import { KIND, packRecord, type RawEvent, readRecord } from '../log/record.ts'
import type { ArchivedBlock, PrunedRun, Retained } from '../log/retention.ts'
import type { ArchiveLimits } from './archive.ts'
import type { NewBlock } from './archive-writer.ts'

/** What is to be destroyed of a session, and what must be kept of it. */
export interface Pruning {
  readonly sessionId: string
  /** Versions `from` to `to`; the event after them holds the whole state. */
  readonly from: number
  readonly to: number
  /** Of the event at `to`. */
  readonly hash: string
  readonly runs: readonly PrunedRun[]
  readonly eventIds: readonly string[]
  /** The blocks to be taken out, by their first versions. */
  readonly blocks: readonly number[]
  /** What stays of the last of them. */
  readonly rest: NewBlock | undefined
}

type ReadBlock = (block: ArchivedBlock) => Promise<readonly LogRecord[]>

/** So many events are pruned in one step, about: all that is kept of them is in memory meanwhile. */
const EVENTS_MAX = 100_000
const RUN_EVENTS = 4096

/** The first blocks of a session, as many as are pruned in one step. */
export function firstBlocks(blocks: readonly ArchivedBlock[]): readonly ArchivedBlock[] {
  const end = blocks[0]!.firstVersion + EVENTS_MAX
  return blocks.filter(({ firstVersion }, at) => at === 0 || firstVersion < end)
}

/** The version of the last event that a session can be cut at; undefined where there is nothing before it that may go. */
export async function findCut(
  read: ReadBlock,
  blocks: readonly ArchivedBlock[],
  { cut, head }: Pick<Retained, 'cut'> & { head: number },
  { before, keepLast }: ArchiveLimits,
): Promise<number | undefined> {
  const from = Math.max(cut, 1)
  const mayEnd = ({ kind, version, recordedAt }: RawEvent) =>
    kind !== KIND.CHANGES && version > from && version <= head - keepLast && recordedAt < before
  for (const block of blocks.toReversed()) {
    if (block.recordedAt >= before || block.firstVersion > head - keepLast) continue
    const events = (await read(block)).flatMap(readRecord)
    const end = events.findLast(mayEnd)
    if (end !== undefined) return end.version
  }
  return undefined
}

/** What pruning all before a version comes to. */
export async function planPruning(
  read: ReadBlock,
  blocks: readonly ArchivedBlock[],
  from: number,
  cut: number,
): Promise<Pruning> {
  const { sessionId } = blocks[0]!
  const taken = blocks.filter(({ firstVersion }) => firstVersion < cut)
  const runs: PrunedRun[] = []
  const eventIds: string[] = []
  let hash = ''
  let rest: NewBlock | undefined
  for (const block of taken) {
    const records = await read(block)
    const events = records.flatMap(readRecord)
    const gone = events.filter(({ version }) => version < cut)
    for (const event of gone) {
      const { eventId } = decodePayload(event).facts
      if (eventId !== undefined) eventIds.push(eventId)
    }
    for (let at = 0; at < gone.length; at += RUN_EVENTS) {
      const run = gone.slice(at, at + RUN_EVENTS)
      const stubs = run.map(({ position, recordedAt, hash }) => ({ position, recordedAt, hash }))
      runs.push({ sessionId, firstVersion: run[0]!.version, events: stubs })
    }
    hash = gone.at(-1)!.hash
    if (block.lastVersion >= cut) rest = await restOf(block, records, cut)
  }
  return { sessionId, from, to: cut - 1, hash, runs, eventIds, blocks: taken.map(b => b.firstVersion), rest }
}

/** What is left of a block from a version on. */
async function restOf(block: ArchivedBlock, records: readonly LogRecord[], cut: number): Promise<NewBlock> {
  const { sessionId, lastVersion } = block
  const kept: LogRecord[] = []
  let recordedAt = 0
  for (const record of records) {
    const events = readRecord(record).filter(({ version }) => version >= cut)
    if (events.length === 0) continue
    const [{ version: firstVersion, recordedAt: time }] = events as [RawEvent]
    if (kept.length === 0) recordedAt = time
    const bytes = firstVersion === record.firstVersion ? record.bytes : packRecord(events)
    kept.push({ sessionId, firstVersion, bytes })
  }
  return { sessionId, firstVersion: cut, lastVersion, recordedAt, body: await encodeBlock(kept) }
}
