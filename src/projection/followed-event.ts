import { decodePayload } from '../log/codec.ts'
import type { Append } from '../log/commit.ts'
import { corrupted, KIND, type RawEvent } from '../log/record.ts'
import { retentionAfter } from '../log/retention.ts'
import { stateAfter } from './fold.ts'
import { acknowledgedAs, type Session } from './session.ts'
import type { Slabs } from './slab.ts'

interface FollowOptions {
  /** The event as this process made it. */
  readonly own: Append | undefined
  /** How many events of this process are still under way, which readers see already. */
  readonly ahead: number
  /** Where bytes are kept that nobody has read yet. */
  readonly slabs: Slabs
}

/** The first character of the store's own types, `$`. */
const OWN_TYPE = 0x24

/** Takes an event into a session that another process recorded, checked as open() checks what it reads. */
export function followEvent(session: Session, event: RawEvent, { own, ahead, slabs }: FollowOptions): void {
  // What the store itself says of a session is rare: most events need not be decoded for it.
  if (event.bytes.includes(OWN_TYPE))
    session.retained = retentionAfter(session.retained, decodePayload(event).facts) ?? session.retained
  const before = session.isAhead ? session.acknowledged : session
  if (event.version !== before.version + 1)
    throw corrupted(session.id, before.version + 1, 'did not arrive from the owner')
  if (event.previousHash !== before.hash)
    throw corrupted(session.id, event.version, 'does not follow the one before')
  if (own !== undefined && own.head !== session)
    throw corrupted(session.id, event.version, `is not the one that was sent, of session '${own.sessionId}'`)
  const expiresAt =
    event.kind === KIND.DELETED ? Number.POSITIVE_INFINITY : (event.expiresAt ?? before.expiresAt)
  // Nobody has read the state: its bytes are enough.
  if (own === undefined && !session.isAhead && session.decoded === undefined) {
    session.replay(event, expiresAt, slabs.keep(event.bytes))
    return
  }
  if (own !== undefined) {
    own.version = event.version
    own.position = event.position
    own.recordedAt = event.recordedAt
    own.hash = event.hash
    own.expiresAt = expiresAt
    session.follow(acknowledgedAs(own), ahead)
  } else {
    const payload = decodePayload(event)
    const { sessionId, version, position, recordedAt, hash } = event
    const state = stateAfter(event, payload, before.state)
    const schemaVersion = payload.facts.schemaVersion ?? 0
    session.follow({ sessionId, version, position, recordedAt, hash, schemaVersion, expiresAt, state }, ahead)
  }
}
