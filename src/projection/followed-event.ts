import { decodePayload } from '../log/codec.ts'
import type { Append } from '../log/commit.ts'
import { corrupted, KIND, type RawEvent } from '../log/record.ts'
import { stateAfter } from './fold.ts'
import type { Session } from './session.ts'
import type { Slabs } from './slab.ts'

interface FollowOptions {
  /** The event as this process made it. */
  readonly own: Append | undefined
  /** Whether events of this process are still under way, which readers see already. */
  readonly ahead: boolean
  /** Where bytes are kept that nobody has read yet. */
  readonly slabs: Slabs
}

/** Takes an event into a session that another process recorded, checked as open() checks what it reads. */
export function followEvent(session: Session, event: RawEvent, { own, ahead, slabs }: FollowOptions): void {
  const before = session.isAhead ? session.acknowledged : session
  if (event.version !== before.version + 1)
    throw corrupted(session.id, before.version + 1, 'did not arrive from the owner')
  if (event.previousHash !== before.hash)
    throw corrupted(session.id, event.version, 'does not follow the one before')
  const expiresAt =
    event.kind === KIND.DELETED ? Number.POSITIVE_INFINITY : (event.expiresAt ?? before.expiresAt)
  // Nobody has read the state: its bytes are enough.
  if (own === undefined && !session.isAhead && session.decoded === undefined) {
    session.replay(event, expiresAt, slabs.keep(event.bytes))
    return
  }
  const { version, position, recordedAt, hash } = event
  const at = { sessionId: session.id, version, position, recordedAt, hash, expiresAt }
  if (own !== undefined) {
    Object.assign(own, { version, position, recordedAt, hash })
    session.follow({ ...at, schemaVersion: own.facts.schemaVersion ?? 0, state: own.state }, ahead)
  } else {
    const payload = decodePayload(event)
    const state = stateAfter(event, payload, before.state)
    session.follow({ ...at, schemaVersion: payload.facts.schemaVersion ?? 0, state }, ahead)
  }
}
