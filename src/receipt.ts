import type { Durability, Receipt } from './event.ts'
import type { Append } from './log/commit.ts'
import type { RecordedState } from './log/recorded-state.ts'
import type { Answered } from './log/writer.ts'

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

/** The receipt of an event; what another process answered with in its place, where it did. */
export function receiptFrom(append: Append, durability: Durability, answer?: Answered, index = 0): Receipt {
  if (answer !== undefined && index in answer.receipts) return answer.receipts[index] as Receipt
  return receiptOf(append, durability)
}
