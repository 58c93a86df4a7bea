import type { VersionRange } from './port.ts'

/** Where an unsealed record lies: by the position of its first event. */
export interface TailPlace {
  readonly firstVersion: number
  readonly firstPosition: number
}

/**
 * Which records of the tail are whose. The tail lies on the disk in commit order, because LevelDB takes what
 * comes in order at half the cost; this index, a few bytes a record, is what finds a session's part of it.
 */
export class TailIndex {
  readonly #places = new Map<string, TailPlace[]>()

  /** The sessions that have unsealed records, each with its first unsealed version. */
  sessions(): [sessionId: string, firstVersion: number][] {
    return Array.from(this.#places, ([sessionId, places]) => [sessionId, places[0]!.firstVersion])
  }

  /** Takes a record in; one that is there already is left as it is. */
  add(sessionId: string, place: TailPlace): void {
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
  find(sessionId: string, { from, to }: VersionRange): readonly TailPlace[] {
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
