import { SessionlogError } from './errors.ts'
import type { StoreRecord } from './log/port.ts'

type Policies = Partial<Pick<StoreRecord, 'schemaVersion' | 'requireActor' | 'requireReason'>>

/** A follower is held to what the owner holds the log to: it doesn't change it, and doesn't go on where it was changed. */
export function checkPolicies(record: StoreRecord, own: Policies): void {
  for (const name of ['schemaVersion', 'requireActor', 'requireReason'] as const) {
    if (own[name] === undefined || own[name] === record[name]) continue
    const message = `The process that holds the store has ${name} ${record[name]}, this one ${own[name]}`
    throw new SessionlogError('SESSIONLOG_POLICY_VIOLATED', message)
  }
}
