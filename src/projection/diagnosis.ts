import { type ErrorDetails, SessionlogError } from '../errors.ts'
import { MerkleTree } from '../log/chain.ts'
import type { Frontier, LogReads, Run } from '../log/port.ts'

/*
 * Where a log stops being what was written. open() looks no closer than it takes to know that something is wrong;
 * these read once more, to say what.
 */

/** At which commit the tree of the events after the frontier is another one for the first time. */
export async function findWrongRoot(
  log: LogReads,
  frontier: Frontier,
  leaves: readonly string[],
): Promise<SessionlogError> {
  const tree = new MerkleTree(frontier.position, frontier.peaks)
  for await (const page of log.commits(frontier.position)) {
    for (const { lastPosition, root } of page) {
      while (tree.size < lastPosition) tree.append(leaves[tree.size - frontier.position]!)
      if (tree.root() !== root) return wrongRoot(lastPosition)
    }
  }
  return damaged(`The frontier, or the commit at position ${frontier.position},`, {
    position: frontier.position,
  })
}

/** Which session has another number of events than the commits say. */
export async function findWrongCount(
  log: LogReads,
  sessions: ReadonlyMap<string, { readonly version: number }>,
): Promise<SessionlogError> {
  const counts = new Map(Array.from(sessions.keys(), id => [id, 0]))
  for await (const page of log.commits(0)) {
    for (const { runs } of page) for (const run of runs) counts.set(run.sessionId, lastOf(run))
  }
  for (const [sessionId, count] of counts) {
    const version = sessions.get(sessionId)?.version ?? 0
    if (version === count) continue
    const place = { sessionId, version: Math.min(version, count) + 1 }
    return damaged(`The base of session '${sessionId}', or its version ${place.version},`, place)
  }
  return damaged('A session')
}

export function wrongRoot(position: number): SessionlogError {
  return damaged(`The root of the commit at position ${position}, or an event before it,`, { position })
}

export function damaged(what: string, details: ErrorDetails = {}): SessionlogError {
  const message = `${what} is missing from the log, or damaged`
  return new SessionlogError('SESSIONLOG_CORRUPTION', message, details)
}

/** The last version that a run holds. */
export function lastOf({ firstVersion, count }: Run): number {
  return firstVersion + count - 1
}
