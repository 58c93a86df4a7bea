import { SessionlogError } from '../errors.ts'
import type { CommitRecord, EventLog, Run, VersionRange } from './port.ts'
import { type Extent, type ReadableLog, WHOLE_EXTENT } from './readable-log.ts'
import { corrupted, type RawEvent, readRecord } from './record.ts'

/** Reads the log and checks what it says: every event with its hash, every link, every gap. */
export class LogReader implements ReadableLog {
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  extent(): Extent {
    return WHOLE_EXTENT
  }

  begins(): boolean {
    return true
  }

  async *session(sessionId: string, range: VersionRange): AsyncIterable<readonly RawEvent[]> {
    const { from, to, reverse = false } = range
    let next = reverse ? to : from
    let neighbour: RawEvent | undefined
    for await (const page of this.#log.read(sessionId, range)) {
      for (const record of page) {
        const all = readRecord(record)
        const events = all.filter(event =>
          reverse
            ? event.version <= next && event.version >= from
            : event.version >= next && event.version <= to,
        )
        if (events.length === 0) continue
        if (reverse) events.reverse()
        if (events[0]!.version !== next) throw missing(sessionId, next)
        checkLink(neighbour, events[0]!, reverse)
        neighbour = events[events.length - 1]!
        next = neighbour.version + (reverse ? -1 : 1)
        yield events
      }
    }
    if (reverse ? next >= from : next <= to) throw missing(sessionId, next)
  }

  async record(sessionId: string, version: number): Promise<readonly RawEvent[]> {
    for await (const page of this.#log.read(sessionId, { from: version, to: version })) {
      for (const record of page) {
        const events = readRecord(record)
        if (events[0]!.version <= version && version <= events[events.length - 1]!.version) return events
      }
    }
    throw missing(sessionId, version)
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

function checkLink(neighbour: RawEvent | undefined, event: RawEvent, reverse: boolean): void {
  if (neighbour === undefined) return
  const [before, after] = reverse ? [event, neighbour] : [neighbour, event]
  if (after.previousHash !== before.hash)
    throw corrupted(after.sessionId, after.version, 'does not follow the one before')
}

function missing(sessionId: string, version: number): SessionlogError {
  return corrupted(sessionId, version, 'is missing from the log')
}

function positionMissing(position: number): SessionlogError {
  return new SessionlogError(
    'SESSIONLOG_CORRUPTION',
    `The event at position ${position} is missing from the log`,
  )
}
