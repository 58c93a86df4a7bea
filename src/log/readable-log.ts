import type { VersionRange } from './port.ts'
import type { RawEvent } from './record.ts'

/** Which of a session's events there are. */
export interface Extent {
  /** The version of the first one. */
  readonly first: number
  /** The version from which states are made: below `first` where the session goes further back than what is told. */
  readonly start: number
  /** Whether the session goes further on than what is told. */
  readonly more: boolean
}

/** Of a session that is there from its beginning. */
export const WHOLE_EXTENT: Extent = Object.freeze({ first: 1, start: 1, more: false })

/** Where recorded events are read from: a store's log, or a bundle. What it answers with has been checked. */
export interface ReadableLog {
  extent(sessionId: string): Extent

  /** Whether the session is there from its first event on. */
  begins(sessionId: string): boolean

  /**
   * A session's events `from` to `to` (both included, both there), record by record.
   * Raises `SESSIONLOG_CORRUPTION` where one is missing or is not what was written.
   */
  session(sessionId: string, range: VersionRange): AsyncIterable<readonly RawEvent[]>

  /** The events of the one record that holds a version. */
  record(sessionId: string, version: number): Promise<readonly RawEvent[]>

  /** All events after a position and up to another, in position order, some at a time. */
  positions(after: number, to: number, signal?: AbortSignal): AsyncIterable<readonly RawEvent[]>
}
