import { hasCode } from '../errors.ts'
import { type Base, decodeBase, STATE_ENCODING } from '../log/base.ts'
import type { StoredBase } from '../log/port.ts'
import { corrupted } from '../log/record.ts'
import type { RecordedState } from '../log/recorded-state.ts'
import { equal } from '../state/values.ts'
import type { StateText } from './audited-head.ts'
import { damaged } from './diagnosis.ts'
import { baseState, textOf } from './stored-state.ts'

/** A session at a version, as its events make it. */
export interface Told extends Omit<RecordedState, 'sessionId' | 'expiresAt'> {
  /** Of the state. */
  readonly text: StateText
  /** The last sealed record: the version that it begins with, and its size. */
  readonly segmentVersion: number
  readonly segmentBytes: number
}

interface Claim {
  readonly version: number
  readonly what: string
  /** Called when it is compared: a base is decoded no earlier than that. */
  readonly holds: (told: Told) => boolean
}

/** What is said elsewhere of sessions at a version, until their events have told. */
export class Claims {
  readonly #claims = new Map<string, Claim[]>()

  cached(state: RecordedState): void {
    const { sessionId, version } = state
    const holds = (told: Told) => isAs(state, told) && equal(state.state, told.state)
    if (version > 0) this.#add(sessionId, { version, what: 'cache', holds })
  }

  /** When a session ends by itself is not compared: it moves without an event. Nor are sizes that are only hints. */
  stored(stored: StoredBase): void {
    const base = decodeBase(stored)
    const { sessionId, version } = base
    if (sessionId !== stored.sessionId) throw damaged(`The base of session '${sessionId}'`, { sessionId })
    const holds = (told: Told) => isAs(base, told) && hasSegment(base, told) && hasState(base, told)
    this.#add(sessionId, { version, what: 'base', holds })
  }

  hasBase(sessionId: string): boolean {
    return this.#claims.get(sessionId)?.some(claim => claim.what === 'base') === true
  }

  /** The versions that are claimed of a session. */
  versionsOf(sessionId: string): readonly number[] {
    return this.#claims.get(sessionId)?.map(claim => claim.version) ?? []
  }

  /** The session has come to a version: what is not as it was claimed. */
  settle(sessionId: string, told: Told): Error[] {
    const claims = this.#claims.get(sessionId) ?? []
    const { version } = told
    const wrong = claims.filter(claim => claim.version === version && !isHeld(claim, told))
    const rest = claims.filter(claim => claim.version !== version)
    if (rest.length > 0) this.#claims.set(sessionId, rest)
    else this.#claims.delete(sessionId)
    return wrong.map(({ what }) => corrupted(sessionId, version, `is not in the ${what} as it is in the log`))
  }

  /** Of sessions that never came to a version that was claimed. */
  *rest(): Iterable<{ sessionId: string; error: Error }> {
    for (const [sessionId, claims] of this.#claims) {
      for (const { version, what } of claims)
        yield { sessionId, error: corrupted(sessionId, version, `is in the ${what}, but not in the log`) }
    }
  }

  #add(sessionId: string, claim: Claim): void {
    const claims = this.#claims.get(sessionId)
    if (claims === undefined) this.#claims.set(sessionId, [claim])
    else claims.push(claim)
  }
}

/** What cannot be decoded does not hold. */
function isHeld(claim: Claim, told: Told): boolean {
  try {
    return claim.holds(told)
  } catch (error) {
    if (!hasCode(error)) throw error
    return false
  }
}

const FIELDS = ['version', 'position', 'recordedAt', 'hash', 'schemaVersion'] as const

function isAs(said: Pick<Told, (typeof FIELDS)[number]>, told: Told): boolean {
  return FIELDS.every(field => said[field] === told[field])
}

/** The text is as a compaction writes it, or it says the same in another way. */
function hasState(base: Base, { text, state }: Told): boolean {
  const isWritten =
    base.encoding === STATE_ENCODING.TAGGED || (base.encoding === STATE_ENCODING.JSON && text.isPlain)
  return (isWritten && textOf(base) === text.text) || equal(baseState(base), state)
}

function hasSegment(base: Base, told: Told): boolean {
  return base.segmentVersion === told.segmentVersion && base.segmentBytes === told.segmentBytes
}
