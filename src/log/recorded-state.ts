/** A session as an acknowledged event left it: what bases and snapshots are made from. */
export interface RecordedState {
  readonly sessionId: string
  readonly version: number
  readonly position: number
  /** ms since the epoch. */
  readonly recordedAt: number
  /** Of the event at that version. */
  readonly hash: string
  readonly schemaVersion: number
  /** ms since the epoch; `Infinity` is never. */
  readonly expiresAt: number
  /** As it was recorded, before any upcast; `undefined` after a delete. */
  readonly state: unknown
}
