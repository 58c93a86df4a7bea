import type { SessionlogError } from '../errors.ts'
import type { EventLog, VersionRange } from './port.ts'
import { corrupted, type RawEvent, readRecord } from './record.ts'

/** Reads the records of one session at a time and checks what they say: every event with its hash, every link, every gap. */
export class RecordReader {
  readonly #log: Pick<EventLog, 'read'>

  constructor(log: Pick<EventLog, 'read'>) {
    this.#log = log
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
