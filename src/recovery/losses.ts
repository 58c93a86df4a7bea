import type { Range } from './trusted-log.ts'

/** What of a session could not be saved, or not as it was. */
export interface SessionLoss {
  readonly sessionId: string
  /** Versions whose events are lost. */
  readonly lost: readonly Range[]
  /** Of them, versions whose state was saved, though not who made it and why. */
  readonly states: readonly number[]
  /** The last version that there was, as far as is known. */
  readonly last: number
  /** The last version whose state is in the new store; 0 where nothing of the session is. */
  readonly saved: number
}

/** Whole numbers that come in order, as ranges. */
export class Ranges {
  readonly list: { from: number; to: number }[] = []

  add(number: number): void {
    const last = this.list.at(-1)
    if (last !== undefined && last.to === number - 1) last.to = number
    else this.list.push({ from: number, to: number })
  }
}

/** Positions of which nothing was found, up to one. */
export function missingPositions(leaves: readonly string[], to: number): Range[] {
  const ranges = new Ranges()
  for (let position = 1; position <= to; position++)
    if (leaves[position - 1] === undefined) ranges.add(position)
  return ranges.list
}
