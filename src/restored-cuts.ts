import { join } from 'node:path'
import { SessionlogError } from './errors.ts'
import { decodePayload } from './log/codec.ts'
import type { LogOperation } from './log/port.ts'
import { type RawEvent, readRecord } from './log/record.ts'
import { type PrunedRun, type Retained, retentionAfter, WHOLE } from './log/retention.ts'
import { readItems } from './snapshot/backup-file.ts'
import type { BackupPart } from './snapshot/backup-list.ts'

/** The store's own types begin with it: others need not be decoded. */
const OWN_TYPE = 0x24

/**
 * How much of each session is there in a store that is made of another's events: as those events say. What they say was
 * pruned is not brought back, although a backup may have it.
 */
export class RestoredCuts {
  readonly #retained = new Map<string, Retained>()

  /** Reads what the events up to a position say. */
  static async read(from: string, parts: readonly BackupPart[], to: number): Promise<RestoredCuts> {
    const cuts = new RestoredCuts()
    for (const { file, after, sha256 } of parts) {
      if (after >= to) break
      for await (const item of readItems(join(from, file), sha256))
        if (item.kind === 'record')
          for (const event of readRecord(item.record)) if (event.position <= to) cuts.hear(event)
    }
    return cuts
  }

  get operations(): LogOperation[] {
    return Array.from(this.#retained, ([sessionId, retained]) => ({
      op: 'retention',
      sessionId,
      ...retained,
    }))
  }

  /** What is to be kept of pruned events. `SESSIONLOG_VERSION_NOT_FOUND` where they were not yet pruned by then. */
  pruned({ sessionId, firstVersion, events }: PrunedRun, to: number): LogOperation[] {
    const run = { sessionId, firstVersion, events: events.filter(({ position }) => position <= to) }
    if (run.events.length === 0) return []
    if (firstVersion + run.events.length > this.#cutOf(sessionId)) throw prunedSince(sessionId, to)
    return [pruning(run)]
  }

  /** Parts a session's events into those that stay, and what is to be kept of the others. */
  part(events: readonly RawEvent[]): { kept: readonly RawEvent[]; operations: LogOperation[] } {
    const [first] = events
    const cut = first === undefined ? 0 : this.#cutOf(first.sessionId)
    const gone = events.filter(({ version }) => version < cut)
    if (gone.length === 0) return { kept: events, operations: [] }
    const { sessionId, version: firstVersion } = first!
    const stubs = gone.map(({ position, recordedAt, hash }) => ({ position, recordedAt, hash }))
    return {
      kept: events.slice(gone.length),
      operations: [pruning({ sessionId, firstVersion, events: stubs })],
    }
  }

  #cutOf(sessionId: string): number {
    return this.#retained.get(sessionId)?.cut ?? 0
  }

  /** Takes note of what an event says. REQUIRES: all of a session's are heard in order, before any is parted. */
  hear(event: RawEvent): void {
    if (!event.bytes.includes(OWN_TYPE)) return
    const before = this.#retained.get(event.sessionId) ?? WHOLE
    const after = retentionAfter(before, decodePayload(event).facts)
    if (after !== undefined) this.#retained.set(event.sessionId, after)
  }
}

function pruning(run: PrunedRun): LogOperation {
  return { op: 'prune', sessionId: run.sessionId, runs: [run], blocks: [], eventIds: [] }
}

function prunedSince(sessionId: string, position: number): SessionlogError {
  const message = `The backup does not have all of session '${sessionId}' as of position ${position}: it was pruned before the backup was taken`
  return new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message, { sessionId, position })
}
