import { SessionlogError } from './errors.ts'
import type { Transaction } from './log/writer.ts'

/** A commit is missing between those that are here and one that came. */
export function gap(position: number): SessionlogError {
  const message = `The event at position ${position} did not arrive from the owner`
  return new SessionlogError('SESSIONLOG_CORRUPTION', message, { position })
}

/** For a write that was made on what a refused one would have made. */
export function builtOn({ transaction }: { transaction: Transaction }, cause: Error): SessionlogError {
  const { sessionId } = transaction.appends[0]!
  const message = `A write of session '${sessionId}' that this one was made on was refused: ${cause.message}`
  return new SessionlogError('SESSIONLOG_VERSION_CONFLICT', message, { sessionId, cause })
}

export function ended(): SessionlogError {
  return new SessionlogError('SESSIONLOG_NOT_OPEN', 'The store was closed meanwhile')
}

/** The next owner's log is not the one that was followed. */
export function otherStore(path: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `Another store lies in '${path}' now`, { path })
}
