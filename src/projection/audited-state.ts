import { decodeOwnPayload, type EventPayload } from '../log/codec.ts'
import { corrupted, KIND, type RawEvent } from '../log/record.ts'
import { applyInPlace } from '../state/apply.ts'
import { equal } from '../state/values.ts'

/** What an event holds and makes of the state before it, which isn't there for the first one after a cut. */
export function madeOf(
  event: RawEvent,
  before: unknown,
  isFirst: boolean,
): { payload: EventPayload; folded: unknown } {
  const { sessionId, version, kind } = event
  if (isFirst && kind === KIND.CHANGES)
    throw corrupted(sessionId, version, 'is the first that is there, and does not hold the whole state')
  const { payload, folded } = read(event, before, isFirst)
  if (kind === KIND.KEYFRAME && !isFirst && !equal(folded, payload.state))
    throw corrupted(sessionId, version, 'holds a state that its changes do not make')
  return { payload, folded }
}

function read(
  event: RawEvent,
  before: unknown,
  isFirst: boolean,
): { payload: EventPayload; folded: unknown } {
  try {
    const payload = decodeOwnPayload(event)
    const isWhole = isFirst || event.kind === KIND.WHOLE || event.kind === KIND.DELETED
    return { payload, folded: isWhole ? payload.state : applyInPlace(payload.changes, before) }
  } catch (cause) {
    throw corrupted(event.sessionId, event.version, 'does not make a state of the one before', cause)
  }
}
