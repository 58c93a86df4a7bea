import { checkNumber, checkWriteOptions, wrong } from './arguments.ts'
import { SessionlogError } from './errors.ts'
import { FORKED, REVERTED, type WriteOptions } from './event.ts'
import type { Intent, RecordOptions } from './intent.ts'
import type { Transaction } from './log/writer.ts'
import type { Past } from './projection/past.ts'
import type { Session } from './projection/session.ts'

/** From which version, and what else is said of the event; its type and data are the store's. */
export type BranchOptions = Omit<WriteOptions, 'type' | 'data' | 'expectedVersion'> & {
  /** 1 or more. */
  version: number
}

/** An event that a version of a session is made into. */
export interface Branch {
  readonly intent: Intent
  readonly options: RecordOptions
  readonly operations?: Transaction['operations']
}

/** The first event of a new session, which says where it comes from. */
export async function forkOf(
  past: Past,
  parent: Session,
  child: string,
  given: BranchOptions,
): Promise<Branch> {
  const { version, ...options } = checkBranch(given)
  const { state, hash } = await past.stateAndHash(parent, version)
  if (state === undefined) {
    const message = `Session '${parent.id}' has no state at version ${version}`
    throw new SessionlogError('SESSIONLOG_SESSION_NOT_FOUND', message, { sessionId: parent.id, version })
  }
  const data = { from: { sessionId: parent.id, version, hash } }
  const fork = { op: 'fork', sessionId: parent.id, version, child } as const
  return {
    intent: { kind: 'save', state, asRecorded: true },
    options: { ...options, type: FORKED, data, expectedVersion: 0 },
    operations: () => [fork],
  }
}

/** The way back to an old state, as a new event. */
export async function reversionOf(past: Past, session: Session, given: BranchOptions): Promise<Branch> {
  const { version, ...options } = checkBranch(given)
  const { state, hash } = await past.stateAndHash(session, version)
  return {
    intent: state === undefined ? { kind: 'delete' } : { kind: 'save', state, asRecorded: true },
    options: { ...options, type: REVERTED, data: { to: { version, hash } } },
  }
}

function checkBranch(options: BranchOptions): BranchOptions {
  checkWriteOptions(options, ['version'])
  checkNumber(options, 'version', 1)
  for (const name of ['version', 'type', 'data', 'expectedVersion'] as const) {
    const isGiven = (options as WriteOptions & { version?: number })[name] !== undefined
    if (isGiven !== (name === 'version'))
      throw wrong(isGiven ? `${name} is not the caller's to give` : `${name} must be given`, name)
  }
  return options
}
