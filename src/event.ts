import type { Changes } from './state/changes.ts'

/**
 * What a receipt vouches for: `synced` is on the disk, `buffered` is with the operating system (it survives
 * the process, not the machine), `memory` is gone with the process.
 */
export type Durability = 'synced' | 'buffered' | 'memory'

/** `0` is "never existed", `'no_session'` is "no state now", `'any'` lets the last save win. */
export type ExpectedVersion = number | 'no_session' | 'session_exists' | 'any'

/** Who did something: a name, or what is known of who it was, and for whom. */
export type Actor = string | { readonly id: string; readonly type?: string; readonly onBehalfOf?: string }

/** An actor in one line. */
export function nameOf(actor: Actor): string {
  if (typeof actor === 'string') return actor
  const { id, type, onBehalfOf } = actor
  const name = type === undefined ? id : `${type} ${id}`
  return onBehalfOf === undefined ? name : `${name} for ${onBehalfOf}`
}

/** What a caller says about an event, beside the state. */
export interface WriteOptions {
  /** Who did it. */
  actor?: Actor
  /** Why. */
  reason?: string
  /** The caller's word for what happened, in the past tense. Default: `saved`, for a delete `deleted`. */
  type?: string
  /** The input that caused the change (any value a state may hold), so that a reducer can be replayed. */
  data?: unknown
  /** Compared with the session that readers see, in the same tick. Default: `any`. */
  expectedVersion?: ExpectedVersion
  /** Makes the write idempotent within its session, also after a restart. 1 to 1,024 bytes of UTF-8. */
  eventId?: string
  /** What this event belongs to: a request, a job. */
  correlationId?: string
  /** What made this event happen: the id of another. */
  causationId?: string
  /** The caller's own time, ms since the epoch. Kept as given: it may go backwards. */
  occurredAt?: number
  /** When the session ends by itself, ms since the epoch; `Infinity` is never. Default: as it was. */
  expiresAt?: number
}

/** Where an event landed. */
export interface Receipt {
  readonly sessionId: string
  /** Place in the session: 1, 2, 3…; 0 where nothing was ever saved. */
  readonly version: number
  /** Place in the store: 1, 2, 3… */
  readonly position: number
  /** The store's clock, ms since the epoch. */
  readonly recordedAt: number
  /** SHA-256 of the event, hexadecimal. */
  readonly hash: string
  /** True where an earlier write with the same `eventId` had done it: this is its receipt. */
  readonly deduplicated: boolean
  /** True where nothing had to be written: this is the receipt of the session's last event. */
  readonly unchanged: boolean
  readonly durability: Durability
}

/** The event of another store that an imported one was made from. */
export interface ImportedFrom {
  /** Of the store. */
  readonly origin: string
  readonly sessionId: string
  readonly version: number
  /** SHA-256 of the event, hexadecimal. */
  readonly hash: string
  /** Its place in that store: of an event that was saved out of a damaged one. */
  readonly position?: number
  /** True where something of it had been hidden. */
  readonly redacted?: true
}

/** A fact in a session's log. */
export interface RecordedEvent {
  readonly sessionId: string
  /** Place in the session: 1, 2, 3… */
  readonly version: number
  /** Place in the store: 1, 2, 3… */
  readonly position: number
  /** The caller's word for what happened; types that start with `$` are the store's own. */
  readonly type: string
  readonly actor?: Actor
  readonly reason?: string
  readonly data?: unknown
  readonly eventId?: string
  readonly correlationId?: string
  readonly causationId?: string
  /** ms since the epoch; never goes backwards in position order. */
  readonly recordedAt: number
  readonly occurredAt?: number
  readonly expiresAt?: number
  /** The schema of the state after this event; 0 where none was named. */
  readonly schemaVersion: number
  readonly importedFrom?: ImportedFrom
  /** In a bundle: something of the event is hidden. Its hash is that of what was logged, not of what is shown. */
  readonly redacted?: true
  /** What the event made of the state before: a JSON Patch with extensions. */
  readonly changes: Changes
  /** SHA-256(0x00 ‖ the event's bytes), hexadecimal. */
  readonly hash: string
  /** The hash of this session's event before; 64 zeros for the first. */
  readonly previousHash: string
}

export const SAVED = 'saved'
export const DELETED = 'deleted'
export const EXPIRED = '$expired'
export const FORKED = '$forked'
export const IMPORTED = '$imported'
export const REVERTED = '$reverted'
export const PRUNED = '$pruned'
export const HELD = '$held'
export const RELEASED = '$released'

/** Whether a type is one that the store itself gives. */
export function isOwnType(type: string | undefined): boolean {
  return type !== undefined && [EXPIRED, FORKED, REVERTED, IMPORTED, PRUNED, HELD, RELEASED].includes(type)
}
