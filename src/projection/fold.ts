import { decodePayload, type EventPayload } from '../log/codec.ts'
import { type EncodedEvent, KIND } from '../log/record.ts'
import { apply } from '../state/apply.ts'

/** A state, and the schema of its shape. */
export interface Versioned {
  readonly state: unknown
  readonly schemaVersion: number
}

/** The state after those events, of which the first holds a whole state or follows on `before`. */
export function fold(events: readonly EncodedEvent[], before: Versioned): Versioned {
  let { state, schemaVersion } = before
  for (const event of events) {
    const payload = decodePayload(event)
    state = stateAfter(event, payload, state)
    schemaVersion = payload.facts.schemaVersion ?? 0
  }
  return { state, schemaVersion }
}

export function stateAfter(event: EncodedEvent, payload: EventPayload, before: unknown): unknown {
  return event.kind === KIND.CHANGES ? apply(payload.changes, before) : payload.state
}

export const NO_STATE: Versioned = { state: undefined, schemaVersion: 0 }
