import { NO_HASH, sha256 } from '../log/chain.ts'
import { type PrunedEvent, type Retained, WHOLE } from '../log/retention.ts'
import { toTaggedJson } from '../state/tagged-json.ts'

/** A session as the events read so far make it. */
export class AuditedHead {
  version = 0
  position = 0
  recordedAt = 0
  hash = NO_HASH
  schemaVersion = 0
  /** The last sealed record: the version that it begins with, and its size. */
  segmentVersion = 0
  segmentBytes = 0
  /** The version of the first event that is there, where others were pruned before it. */
  cut = 0
  /** What the events say of how much there is. */
  said: Retained = WHOLE
  /** Of each event, in the order of their versions. */
  readonly positions: number[] = []
  committed = 0
  /** Set where an event could not be believed: nothing is said of what follows it. */
  broken = false
  #state: unknown
  #text: StateText | undefined
  #fingerprint: string | undefined

  /** Takes note of an event of which only the hash is left. */
  prune({ position, recordedAt, hash }: PrunedEvent): void {
    this.version++
    this.cut = this.version + 1
    this.position = position
    this.recordedAt = recordedAt
    this.hash = hash
    this.positions.push(position)
  }

  /** REQUIRES: `rest` has not been called. */
  get state(): unknown {
    return this.#state
  }

  set state(state: unknown) {
    this.#state = state
    this.#text = undefined
  }

  get text(): StateText {
    this.#text ??= textOf(this.#state)
    return this.#text
  }

  /** Lets go of the state, and keeps what tells it from others: all states at once would be too much. */
  rest(): void {
    if (!this.broken) this.#fingerprint ??= sha256(Buffer.from(this.text.text))
    this.state = undefined
  }

  /** Whether tagged JSON says the state. REQUIRES: `rest` was called. */
  isState(json: unknown): boolean {
    return this.#fingerprint === sha256(Buffer.from(JSON.stringify(json)))
  }
}

/**
 * A state as the text that snapshots hold, without their white space: equal texts are equal states. To make it takes
 * a third of the time of reading another text and comparing two states.
 */
export interface StateText {
  readonly text: string
  /** Whether the state is the same text in plain JSON. */
  readonly isPlain: boolean
}

function textOf(state: unknown): StateText {
  const json = toTaggedJson(state)
  return { text: JSON.stringify(json), isPlain: json === state }
}
