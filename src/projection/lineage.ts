import { FORKED } from '../event.ts'
import { decodePayload, type EventFacts } from '../log/codec.ts'
import type { EventLog } from '../log/port.ts'
import type { ReadableLog } from '../log/readable-log.ts'
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
  /** In a bundle: the last of the ancestors is not in it, and may have been forked too. */
  readonly incomplete?: true
  /** In the order of their ids; in a bundle those that are in it. */
  readonly children: readonly Descendant[]
}

/** The index of forks. */
export type Forks = Pick<EventLog, 'forks'>

export async function readLineage(forks: Forks, reader: ReadableLog, sessionId: string): Promise<Lineage> {
  const ancestors: ForkPoint[] = []
  const family = new Set([sessionId])
  for (let at = await forkPoint(reader, sessionId); at !== undefined; ) {
    ancestors.push(at)
    assertNew(family, at.sessionId)
    at = await forkPoint(reader, at.sessionId)
  }
  const oldest = ancestors.at(-1)
  const children = await childrenOf(forks, reader, sessionId, new Set([sessionId]))
  const isIncomplete = oldest !== undefined && !reader.begins(oldest.sessionId)
  return { sessionId, ancestors, ...(isIncomplete && { incomplete: true }), children }
}

/** A fork is made of a session that is there, so there are no circles, unless somebody makes one up. */
function assertNew(family: Set<string>, sessionId: string): void {
  if (family.has(sessionId)) throw corrupted(sessionId, 1, 'is said to come from itself')
  family.add(sessionId)
}

async function childrenOf(
  forks: Forks,
  reader: ReadableLog,
  sessionId: string,
  family: Set<string>,
): Promise<Descendant[]> {
  const children: Descendant[] = []
  for await (const page of forks.forks(sessionId)) {
    for (const { child, version } of page) {
      const point = await forkPoint(reader, child)
      // The index is not proved, the child's first event is.
      if (point?.sessionId !== sessionId || point.version !== version)
        throw corrupted(child, 1, `is not the fork of version ${version} of session '${sessionId}'`)
      assertNew(family, child)
      children.push({ sessionId: child, version, children: await childrenOf(forks, reader, child, family) })
    }
  }
  return children
}

async function forkPoint(reader: ReadableLog, sessionId: string): Promise<ForkPoint | undefined> {
  if (!reader.begins(sessionId)) return undefined
  const [first] = await reader.record(sessionId, 1)
  const { facts } = decodePayload(first!)
  return forkedFrom(sessionId, facts)
}

/** Where a session was forked from, by the facts of its first event. One that was imported was forked elsewhere. */
export function forkedFrom(
  sessionId: string,
  { type, data, importedFrom }: EventFacts,
): ForkPoint | undefined {
  if (type !== FORKED || importedFrom !== undefined) return undefined
  const { from } = (data ?? {}) as { from?: Partial<ForkPoint> }
  if (typeof from?.sessionId === 'string' && typeof from.version === 'number') return from as ForkPoint
  throw corrupted(sessionId, 1, 'does not say what it was forked from')
}
