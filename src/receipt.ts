import type { Durability, Receipt } from './event.ts'
import type { RecordedState } from './log/recorded-state.ts'

/** Where an event landed, as its writer is told. */
export function receiptOf(
  at: Pick<RecordedState, 'sessionId' | 'version' | 'position' | 'recordedAt' | 'hash'>,
  durability: Durability,
  how: { deduplicated?: boolean; unchanged?: boolean } = FIRST,
): Receipt {
  return {
    sessionId: at.sessionId,
    version: at.version,
    position: at.position,
    recordedAt: at.recordedAt,
    hash: at.hash,
    deduplicated: how.deduplicated ?? false,
    unchanged: how.unchanged ?? false,
    durability,
  }
}

const FIRST = Object.freeze({})
