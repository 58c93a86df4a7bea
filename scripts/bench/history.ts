import { join } from 'node:path'
import { CACHE } from './places.ts'

/** A store that takes long to build, and the same states in the peers' files. Kept from run to run. */
export interface History {
  readonly sessions: number
  readonly events: number
  /**
   * How many sessions take turns. All of them is the slowest to build, as a commit then holds one event of each;
   * a few at a time, each with its whole history, leave the same compacted store but for the positions.
   */
  readonly turns: number
}

/** The row's own size, and with ten times the history. */
export const HISTORY: History = { sessions: 100_000, events: 1_000_000, turns: 100_000 }
export const LONG_HISTORY: History = { sessions: 100_000, events: 10_000_000, turns: 100 }
/** For `--quick`: the same shape, a tenth of it. */
export const QUICK_HISTORY: History = { sessions: 10_000, events: 100_000, turns: 10_000 }
export const QUICK_LONG_HISTORY: History = { sessions: 10_000, events: 1_000_000, turns: 100 }

export function storeDir({ sessions, events }: History): string {
  return join(CACHE, `store-${sessions}-${events}`)
}

/** Documents of 10 to 100 kB of text that are written anew with each save: mostly bytes, few events. */
export interface Documents {
  readonly sessions: number
  readonly events: number
}

export const DOCUMENTS: Documents = { sessions: 200, events: 4_000 }
export const QUICK_DOCUMENTS: Documents = { sessions: 50, events: 500 }

export function documentsDir({ sessions, events }: Documents): string {
  return join(CACHE, `documents-${sessions}-${events}`)
}

/** All states in one JSON array of [id, state]. */
export function statesFile({ sessions, events }: History): string {
  return join(CACHE, `states-${sessions}-${events}.json`)
}

/** A JSON file a state, as the seed kept them. */
export function stateFilesDir({ sessions, events }: History): string {
  return join(CACHE, `files-${sessions}-${events}`)
}

/** Every event: CBOR frames, each after its length. */
export function framesFile({ sessions, events }: History): string {
  return join(CACHE, `frames-${sessions}-${events}.cbor`)
}
