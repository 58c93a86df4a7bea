import { isDeepStrictEqual } from 'node:util'
import { SessionlogError } from './errors.ts'
import { assertFormat } from './log/format.ts'
import type { StoreRecord } from './log/port.ts'
import type { PrunePolicy } from './log/retention.ts'

type Policies = Partial<Pick<StoreRecord, 'schemaVersion' | 'requireActor' | 'requireReason'>> & {
  readonly prune?: PrunePolicy | false
}

/** A follower is held to what the owner holds the log to: it doesn't change it, and doesn't go on where it was changed. */
export function checkPolicies(record: StoreRecord, own: Policies): void {
  assertFormat('The store', record.format)
  for (const name of ['schemaVersion', 'requireActor', 'requireReason'] as const) {
    if (own[name] === undefined || own[name] === record[name]) continue
    const message = `The process that holds the store has ${name} ${record[name]}, this one ${own[name]}`
    throw new SessionlogError('SESSIONLOG_POLICY_VIOLATED', message)
  }
  if (allowsSame(record, own.prune)) return
  const message = 'The process that holds the store allows other things to be pruned than this one'
  throw new SessionlogError('SESSIONLOG_POLICY_VIOLATED', message)
}

/** Whether an option for pruning, where it is given, is what the store has already. */
export function allowsSame({ prune }: StoreRecord, given: PrunePolicy | false | undefined): boolean {
  return given === undefined || isDeepStrictEqual({ ...prune }, { ...(given || undefined) })
}
