import { SessionlogError } from '../errors.ts'
import type { CommitRecord, EventLog } from './port.ts'
import { type Extent, type ReadableLog, WHOLE_EXTENT } from './readable-log.ts'
import type { RawEvent } from './record.ts'
import { RecordReader } from './record-reader.ts'

/** Reads a store's log, from its beginning or by session. */
export class LogReader extends RecordReader implements ReadableLog {
  readonly #log: Pick<EventLog, 'read' | 'commits'>
  readonly #cutOf: (sessionId: string) => number

  /** `cutOf` answers with the version that a pruned session is cut at, and with 0 for any other. */
  constructor(log: Pick<EventLog, 'read' | 'commits'>, cutOf: (sessionId: string) => number = () => 0) {
    super(log)
    this.#log = log
    this.#cutOf = cutOf
  }

  /** The event at the cut holds the state that the first one after it was made on. */
  extent(sessionId: string): Extent {
    const cut = this.#cutOf(sessionId)
    return cut === 0 ? WHOLE_EXTENT : { first: cut + 1, start: cut, more: false }
  }

  begins(sessionId: string): boolean {
    return this.#cutOf(sessionId) === 0
  }

  async *positions(after: number, to: number, signal?: AbortSignal): AsyncIterable<readonly RawEvent[]> {
    const records = new RecordCache(this)
    let position = after
    for await (const page of this.#log.commits(after, signal)) {
      for (const commit of page) {
        if (commit.firstPosition > to) return
        if (commit.firstPosition > position + 1) throw positionMissing(position + 1)
        const { events, pruned } = await this.#commitEvents(commit, records)
        const fresh = events.filter(event => event.position > after && event.position <= to)
        for (const event of fresh) {
          if (pruned === 0 && event.position !== ++position) throw positionMissing(position)
        }
        position = Math.min(commit.lastPosition, to)
        if (fresh.length > 0) yield fresh
      }
    }
    if (position < to) throw positionMissing(position + 1)
  }

  /** Those that are there, and how many are not any more. */
  async #commitEvents(
    { runs }: CommitRecord,
    records: RecordCache,
  ): Promise<{ events: RawEvent[]; pruned: number }> {
    const events: RawEvent[] = []
    let pruned = 0
    for (const { sessionId, firstVersion, count } of runs) {
      for (let version = firstVersion; version < firstVersion + count; version++) {
        const event = version > this.#cutOf(sessionId) && (await records.event(sessionId, version))
        if (event) events.push(event)
        else pruned++
      }
    }
    return { events: events.sort((a, b) => a.position - b.position), pruned }
  }
}

/** How many sessions' last records are kept at hand: events of one commit often lie beside those of the next. */
const CACHED_SESSIONS = 512

class RecordCache {
  readonly #reader: LogReader
  readonly #events = new Map<string, readonly RawEvent[]>()

  constructor(reader: LogReader) {
    this.#reader = reader
  }

  async event(sessionId: string, version: number): Promise<RawEvent> {
    let events = this.#events.get(sessionId) ?? []
    const first = events[0]?.version ?? 0
    if (version < first || version >= first + events.length) events = await this.#load(sessionId, version)
    return events[version - events[0]!.version]!
  }

  async #load(sessionId: string, version: number): Promise<readonly RawEvent[]> {
    const events = await this.#reader.record(sessionId, version)
    if (this.#events.size >= CACHED_SESSIONS) this.#events.delete(this.#events.keys().next().value!)
    this.#events.set(sessionId, events)
    return events
  }
}

function positionMissing(position: number): SessionlogError {
  return new SessionlogError(
    'SESSIONLOG_CORRUPTION',
    `The event at position ${position} is missing from the log`,
  )
}
