import { FORKED } from '../event.ts'
import { decodePayload } from '../log/codec.ts'
import type { EventLog } from '../log/port.ts'
import type { LogReader } from '../log/reader.ts'
import { corrupted } from '../log/record.ts'

/** The event that a session was forked from, as its own first event says. */
export interface ForkPoint {
  readonly sessionId: string
  readonly version: number
  /** Of that event. */
  readonly hash: string
}

/** A session, and those that were forked from it. */
export interface Descendant {
  readonly sessionId: string
  /** The version of its parent that it began with. */
  readonly version: number
  readonly children: readonly Descendant[]
}

/** Where a session comes from, and what has come from it. */
export interface Lineage {
  readonly sessionId: string
  /** The nearest first; empty where the session was not forked. */
  readonly ancestors: readonly ForkPoint[]
  /** In the order of their ids. */
  readonly children: readonly Descendant[]
}

export async function readLineage(log: EventLog, reader: LogReader, sessionId: string): Promise<Lineage> {
  const ancestors: ForkPoint[] = []
  // A fork is made of a session that is there, so there are no circles.
  for (let at = await forkPoint(reader, sessionId); at !== undefined; ) {
    ancestors.push(at)
    at = await forkPoint(reader, at.sessionId)
  }
  return { sessionId, ancestors, children: await childrenOf(log, reader, sessionId) }
}

async function childrenOf(log: EventLog, reader: LogReader, sessionId: string): Promise<Descendant[]> {
  const children: Descendant[] = []
  for await (const page of log.forks(sessionId)) {
    for (const { child, version } of page) {
      const point = await forkPoint(reader, child)
      // The index is not proved, the child's first event is.
      if (point?.sessionId !== sessionId || point.version !== version)
        throw corrupted(child, 1, `is not the fork of version ${version} of session '${sessionId}'`)
      children.push({ sessionId: child, version, children: await childrenOf(log, reader, child) })
    }
  }
  return children
}

async function forkPoint(reader: LogReader, sessionId: string): Promise<ForkPoint | undefined> {
  const [first] = await reader.record(sessionId, 1)
  const { facts } = decodePayload(first!)
  return facts.type === FORKED ? forkedFrom(sessionId, facts.data) : undefined
}

/** What the data of a session's `$forked` event says. */
export function forkedFrom(sessionId: string, data: unknown): ForkPoint {
  const { from } = (data ?? {}) as { from?: Partial<ForkPoint> }
  if (typeof from?.sessionId === 'string' && typeof from.version === 'number') return from as ForkPoint
  throw corrupted(sessionId, 1, 'does not say what it was forked from')
}
