import type { VersionRange } from './port.ts'

/** Where an unsealed record lies: by the position of its first event. */
export interface TailPlace {
  readonly firstVersion: number
  readonly firstPosition: number
}

/** A place, and how many bytes lie there. */
export interface TailEntry extends TailPlace {
  readonly size: number
}

/**
 * Which records of the tail are whose. The tail lies on the disk in commit order, because LevelDB takes what
 * comes in order at half the cost; this index, a few bytes a record, is what finds a session's part of it.
 */
export class TailIndex {
  readonly #places = new Map<string, TailEntry[]>()

  /** The sessions that have unsealed records, each with its first unsealed version. */
  sessions(): [sessionId: string, firstVersion: number][] {
    return Array.from(this.#places, ([sessionId, places]) => [sessionId, places[0]!.firstVersion])
  }

  /** Takes a record in; one that is there already is left as it is. */
  add(sessionId: string, { firstVersion, firstPosition, bytes }: TailPlace & { bytes: Uint8Array }): void {
    // The record itself is not kept.
    const place = { firstVersion, firstPosition, size: bytes.length }
    const places = this.#places.get(sessionId)
    if (places === undefined) this.#places.set(sessionId, [place])
    else if (places[places.length - 1]!.firstVersion < place.firstVersion) places.push(place)
  }

  /** Lets go of a session's records that begin no later than that version. */
  remove(sessionId: string, lastVersion: number): void {
    const places = this.#places.get(sessionId)?.filter(place => place.firstVersion > lastVersion) ?? []
    if (places.length === 0) this.#places.delete(sessionId)
    else this.#places.set(sessionId, places)
  }

  /** The session's records that hold versions `from` to `to`, in order. */
  find(sessionId: string, { from, to }: VersionRange): readonly TailEntry[] {
    const places = this.#places.get(sessionId) ?? []
    return places.slice(Math.max(after(places, from) - 1, 0), after(places, to))
  }
}

/** How many of the places begin no later than a version. */
function after(places: readonly TailPlace[], version: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (places[middle]!.firstVersion <= version) low = middle + 1
    else high = middle
  }
  return low
}

/** A page holds at least so many bytes, and at the most so many records. */
const PAGE_BYTES_MIN = 1024
const PAGE_MAX = 1000

/**
 * How many entries, at least one, are read at once from `at` on: those within so many bytes. Who reads backwards
 * stops at the first whole state, so what comes in vain must stay small beside what was asked for.
 */
export function countWithin(entries: readonly TailEntry[], at: number, bytes: number): number {
  let room = Math.max(bytes, PAGE_BYTES_MIN) - entries[at]!.size
  let count = 1
  for (; count < PAGE_MAX && at + count < entries.length; count++) {
    room -= entries[at + count]!.size
    if (room < 0) break
  }
  return count
}
