import { hasCode, type SessionlogError } from '../errors.ts'
import { decodePayload } from '../log/codec.ts'
import type { EventId, EventLog } from '../log/port.ts'
import { LogReader } from '../log/reader.ts'
import { corrupted } from '../log/record.ts'

/** Holds the index of event ids against the events: each is found by its id, and no id finds anything else. */
export class EventIdAudit {
  readonly #log: EventLog
  /** How many of a session's events were found by their ids: no two of them have the same. */
  readonly #found = new Map<string, number>()

  constructor(log: EventLog) {
    this.#log = log
  }

  finds({ sessionId, eventId, version }: EventId): boolean {
    try {
      const isFound = this.#log.findEventId(sessionId, eventId) === version
      if (isFound) this.#found.set(sessionId, (this.#found.get(sessionId) ?? 0) + 1)
      return isFound
    } catch (error) {
      if (hasCode(error, 'SESSIONLOG_CORRUPTION')) return false
      throw error
    }
  }

  /**
   * Entries that no event speaks of. REQUIRES: all events of a session up to its version were asked for; newer ones
   * may have come meanwhile. `versionOf` is undefined for sessions of which nothing can be said.
   */
  async *strays(versionOf: (sessionId: string) => number | undefined): AsyncIterable<SessionlogError> {
    const counts = new Map<string, number>()
    for await (const entry of this.#entries()) {
      const { sessionId } = entry
      const version = versionOf(sessionId)
      if (version === undefined) continue
      if (entry.version <= version) counts.set(sessionId, (counts.get(sessionId) ?? 0) + 1)
      else if (!(await this.#isRight(entry))) yield stray(entry)
    }
    for (const [id, count] of counts) if (count === this.#found.get(id)) counts.delete(id)
    if (counts.size === 0) return
    for await (const entry of this.#entries()) {
      const isSuspect = counts.has(entry.sessionId) && entry.version <= versionOf(entry.sessionId)!
      if (isSuspect && !(await this.#isRight(entry))) yield stray(entry)
    }
  }

  async *#entries(): AsyncIterable<EventId> {
    for await (const page of this.#log.eventIds()) yield* page
  }

  async #isRight({ sessionId, eventId, version }: EventId): Promise<boolean> {
    if (!(version > 0)) return false
    try {
      const events = await new LogReader(this.#log).record(sessionId, version)
      return decodePayload(events[version - events[0]!.version]!).facts.eventId === eventId
    } catch (error) {
      if (hasCode(error, 'SESSIONLOG_CORRUPTION')) return false
      throw error
    }
  }
}

function stray({ sessionId, eventId, version }: EventId): SessionlogError {
  return corrupted(sessionId, version, `does not have the event id '${eventId}', by which it is found`)
}
