import { checkId, checkWriteOptions } from './arguments.ts'
import { type ExpectedVersion, isOwnType, type WriteOptions } from './event.ts'
import { NO_OPTIONS } from './facts.ts'
import type { Intent, RecordOptions } from './intent.ts'
import { malformed } from './link/channel.ts'
import { type EventFacts, NO_FACTS } from './log/codec.ts'
import { type Draft, readDraft } from './log/draft.ts'
import { KIND } from './log/record.ts'

/** An item is `[draft, base, expectedVersion]`: without a base it is taken whatever is there. */
export function readItem(item: unknown): { sessionId: string; intent: Intent; options: RecordOptions } {
  const [bytes, base, expectedVersion] = item as [Uint8Array, number | null, ExpectedVersion | null]
  if (!(bytes instanceof Uint8Array)) throw malformed('a draft')
  const draft = readDraft(bytes)
  const { sessionId, expiresAt, payload } = draft
  const plain = payload.facts === NO_FACTS && expiresAt === undefined && expectedVersion === null
  const { schemaVersion, ...facts } = payload.facts
  if (!plain) checkFacts({ ...facts, expiresAt })
  const options = plain ? NO_OPTIONS : { ...facts, expiresAt, expectedVersion: expectedVersion ?? 'any' }
  return { sessionId, intent: intentOf(draft, base), options: options as RecordOptions }
}

/** As if a caller had given them, but for the types that the store itself gives. */
function checkFacts({ importedFrom, type, ...options }: EventFacts): void {
  checkId(importedFrom?.sessionId ?? '-')
  const given = { ...options, type: isOwnType(type) ? undefined : type } as WriteOptions
  checkWriteOptions(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)))
}

function intentOf({ kind, payload }: Draft, base: number | null): Intent {
  if (kind === KIND.DELETED) return { kind: 'delete' }
  if (base !== null) return { kind: 'changes', changes: payload.changes, base }
  if (kind !== KIND.WHOLE) throw malformed('changes without a base')
  return { kind: 'save', state: payload.state, checked: true }
}
