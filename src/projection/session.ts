import { type Base, STATE_ENCODING } from '../log/base.ts'
import { NO_HASH } from '../log/chain.ts'
import type { Append, LogHead } from '../log/commit.ts'
import { KIND, type RawEvent } from '../log/record.ts'
import type { RecordedState } from '../log/recorded-state.ts'
import { type Retained, WHOLE } from '../log/retention.ts'
import type { Kept } from './slab.ts'
import { StoredState } from './stored-state.ts'

/**
 * A session in the cache. What readers see runs ahead of what is acknowledged by the commits under way; after
 * a failed write it goes back. It is also the head of the session's log, which the writer keeps up to date.
 */
export class Session implements LogHead {
  readonly id: string
  /** Of the state that readers see: the last event's, acknowledged or not. */
  version = 0
  expiresAt = Number.POSITIVE_INFINITY
  /** Whether there is a state: false before the first event and after a delete. */
  exists = false
  /** The state as a newer schema has it, made from the one that was recorded. */
  upcast: unknown

  hash: string = NO_HASH
  wholeBytes = 0
  bytesSince = 0
  retained: Retained = WHOLE
  /** How many legal holds of it are under way. */
  holding = 0
  run: Append[] | undefined

  /** The last sealed record: the version that it begins with (0 for none), and its size. */
  segmentVersion = 0
  segmentBytes = 0

  #state: unknown
  #schemaVersion = 0
  #position = 0
  #recordedAt = 0
  #touched: { readonly expiresAt: number; readonly version: number } | undefined
  /** Bytes that nobody has read yet, in place of the state. */
  #stored: StoredState | undefined
  /** Undefined while nothing is under way: then what readers see is acknowledged. */
  #acknowledged: RecordedState | undefined

  constructor(id: string) {
    this.id = id
  }

  /** The state that readers see, as it was recorded; `undefined` where there is none. */
  get state(): unknown {
    if (this.#stored !== undefined) this.#decode(this.#stored)
    return this.#state
  }

  /** The schema of the state as it was recorded. */
  get schemaVersion(): number {
    if (this.#stored !== undefined) this.#decode(this.#stored)
    return this.#schemaVersion
  }

  get acknowledged(): RecordedState {
    return this.#acknowledged ?? this.#now()
  }

  /** What is acknowledged, unless it is still bytes. */
  get decoded(): RecordedState | undefined {
    return this.#stored === undefined ? this.acknowledged : undefined
  }

  /** Moves on to the state after an event that is on its way into the log. */
  change(append: Append): void {
    this.#acknowledged ??= this.#now()
    append.expiresAt =
      append.state === undefined ? Number.POSITIVE_INFINITY : (append.facts.expiresAt ?? this.expiresAt)
    this.#set(append.version, append.state, append.facts.schemaVersion ?? 0, append.expiresAt)
  }

  /** Takes note of a commit. REQUIRES: no later event of the session is in the same one. */
  acknowledge(append: Append): void {
    this.#position = append.position
    this.#recordedAt = append.recordedAt
    this.#acknowledged = append.version === this.version ? undefined : this.#touchedAt(acknowledgedAs(append))
  }

  /** When it ends by itself, as far as that is acknowledged. */
  get recordedExpiry(): number {
    return this.#acknowledged === undefined ? this.expiresAt : this.#acknowledged.expiresAt
  }

  /** True where readers see more than is acknowledged. */
  get isAhead(): boolean {
    return this.#acknowledged !== undefined
  }

  /**
   * Takes in what another process recorded, or what became of an event of ours there. Where `ahead` events of ours are
   * still under way, readers go on seeing what those make.
   */
  follow(given: RecordedState, ahead: number): void {
    const recorded = this.#asTouched(given)
    this.#position = recorded.position
    this.#recordedAt = recorded.recordedAt
    this.hash = recorded.hash
    this.#acknowledged = ahead > 0 ? recorded : undefined
    // Whoever was told of a version must not be shown an older one, also where others came between.
    if (ahead > 0) this.version = Math.max(this.version, recorded.version + ahead)
    else this.#set(recorded.version, recorded.state, recorded.schemaVersion, recorded.expiresAt)
  }

  /** Goes back to what is acknowledged; false where nothing was under way. */
  rollBack(): boolean {
    if (this.#acknowledged === undefined) return false
    const { version, hash, state, schemaVersion, expiresAt } = this.#acknowledged
    this.#acknowledged = undefined
    if ((this.#touched?.version ?? 0) > version) this.#touched = undefined
    this.hash = hash
    this.#set(version, state, schemaVersion, expiresAt)
    return true
  }

  /** Takes a base in, at open. */
  restore(base: Base, text: Kept, expiresAt: number): void {
    this.version = base.version
    this.expiresAt = expiresAt
    this.exists = base.encoding !== STATE_ENCODING.NONE
    this.hash = base.hash
    this.wholeBytes = base.wholeBytes
    this.bytesSince = base.bytesSince
    this.segmentVersion = base.segmentVersion
    this.segmentBytes = base.segmentBytes
    this.#position = base.position
    this.#recordedAt = base.recordedAt
    this.#stored = new StoredState(text, base)
  }

  /** Moves the expiry without an event: of the state at a version, and of what keeps it from then on. */
  touch(expiresAt: number, version: number): void {
    this.#touched = { expiresAt, version }
    const recorded = this.#acknowledged
    if (recorded === undefined || version > recorded.version) this.expiresAt = expiresAt
    else if (recorded.state !== undefined) this.#acknowledged = { ...recorded, expiresAt }
  }

  /** A touch of this process has been answered: what was touched is not what there is. */
  forgetTouch(): void {
    this.#touched = undefined
  }

  /** Takes over the expiry as another process has it recorded. */
  takeExpiry(expiresAt: number): void {
    this.#touched = undefined
    if (this.#acknowledged === undefined) this.expiresAt = expiresAt
    else this.#acknowledged = { ...this.#acknowledged, expiresAt }
  }

  /** It may have been touched while it was under way. */
  #touchedAt(recorded: RecordedState): RecordedState {
    const touched = this.#touched
    return touched?.version === recorded.version ? { ...recorded, expiresAt: touched.expiresAt } : recorded
  }

  /** An expiry that was moved at a version, or after it, counts for more than the event's. */
  #asTouched(recorded: RecordedState): RecordedState {
    const touched = this.#touched
    if (touched === undefined || recorded.state === undefined || touched.version < recorded.version)
      return recorded
    return { ...recorded, expiresAt: touched.expiresAt }
  }

  /** Takes over what only the owner of the log knows. */
  takeHead({ hash, wholeBytes, bytesSince, retained, segmentVersion, segmentBytes }: Session): void {
    Object.assign(this, { hash, wholeBytes, bytesSince, retained, segmentVersion, segmentBytes })
  }

  /** The version from which states are made, and the hash before it: what was pruned is not there to be read. */
  beginAt({ cut, cutHash }: Retained): void {
    this.version = cut - 1
    this.hash = cutHash
  }

  /** Takes the next recorded event in, at open; without its bytes where a later one makes them needless. */
  replay(event: RawEvent, expiresAt: number, bytes: Kept | undefined): void {
    this.version = event.version
    this.expiresAt = expiresAt
    this.exists = event.kind !== KIND.DELETED
    this.hash = event.hash
    this.#position = event.position
    this.#recordedAt = event.recordedAt
    this.#stored ??= new StoredState()
    this.#stored.add(event.kind, bytes)
    if (event.kind === KIND.CHANGES) this.bytesSince += event.bytes.length
    else {
      this.wholeBytes = event.bytes.length
      this.bytesSince = 0
    }
  }

  #set(version: number, state: unknown, schemaVersion: number, expiresAt: number): void {
    this.version = version
    this.expiresAt = expiresAt
    this.#schemaVersion = schemaVersion
    this.exists = state !== undefined
    if (state !== this.#state) this.upcast = undefined
    this.#stored = undefined
    this.#state = state
  }

  #decode(stored: StoredState): void {
    const { state, schemaVersion } = stored.decode()
    this.#state = state
    this.#schemaVersion = schemaVersion
    this.#stored = undefined
  }

  #now(): RecordedState {
    const { state } = this
    const { version, hash, schemaVersion, expiresAt } = this
    return {
      sessionId: this.id,
      version,
      position: this.#position,
      recordedAt: this.#recordedAt,
      hash,
      schemaVersion,
      expiresAt,
      state,
    }
  }
}

/** A session as an event of this process left it. */
export function acknowledgedAs(append: Append): RecordedState {
  const { sessionId, version, position, recordedAt, hash, expiresAt, state } = append
  const schemaVersion = append.facts.schemaVersion ?? 0
  return { sessionId, version, position, recordedAt, hash, schemaVersion, expiresAt, state }
}
