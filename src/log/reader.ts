import { SessionlogError } from '../errors.ts'
import type { CommitRecord, EventLog, Run } from './port.ts'
import { type Extent, type ReadableLog, WHOLE_EXTENT } from './readable-log.ts'
import type { RawEvent } from './record.ts'
import { RecordReader } from './record-reader.ts'

/** Reads a store's log, from its beginning or by session. */
export class LogReader extends RecordReader implements ReadableLog {
  readonly #log: Pick<EventLog, 'read' | 'commits'>

  constructor(log: Pick<EventLog, 'read' | 'commits'>) {
    super(log)
    this.#log = log
  }

  extent(): Extent {
    return WHOLE_EXTENT
  }

  begins(): boolean {
    return true
  }

  async *positions(after: number, to: number, signal?: AbortSignal): AsyncIterable<readonly RawEvent[]> {
    const records = new RecordCache(this)
    let position = after
    for await (const page of this.#log.commits(after, signal)) {
      for (const commit of page) {
        if (commit.firstPosition > to) return
        const events = await commitEvents(commit, records)
        const fresh = events.filter(event => event.position > after && event.position <= to)
        for (const event of fresh) {
          if (event.position !== ++position) throw positionMissing(position)
        }
        if (fresh.length > 0) yield fresh
      }
    }
    if (position < to) throw positionMissing(position + 1)
  }
}

async function commitEvents(commit: CommitRecord, records: RecordCache): Promise<RawEvent[]> {
  const events: RawEvent[] = []
  for (const run of commit.runs) for (const event of await records.run(run)) events.push(event)
  return events.sort((a, b) => a.position - b.position)
}

/** How many sessions' last records are kept at hand: events of one commit often lie beside those of the next. */
const CACHED_SESSIONS = 512

class RecordCache {
  readonly #reader: LogReader
  readonly #events = new Map<string, readonly RawEvent[]>()

  constructor(reader: LogReader) {
    this.#reader = reader
  }

  async run({ sessionId, firstVersion, count }: Run): Promise<RawEvent[]> {
    const run: RawEvent[] = []
    for (let version = firstVersion; version < firstVersion + count; version++) {
      let events = this.#events.get(sessionId) ?? []
      const first = events[0]?.version ?? 0
      if (version < first || version >= first + events.length) events = await this.#load(sessionId, version)
      run.push(events[version - events[0]!.version]!)
    }
    return run
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
