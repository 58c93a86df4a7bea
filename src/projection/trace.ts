import type { Change, Changes } from '../state/changes.ts'
import { parseIndex, parsePointer } from '../state/pointer.ts'

/** Where a value lay before an event that concerns it, unless it came with the event, and where after it. */
export interface Touch {
  readonly before: readonly string[] | undefined
  readonly after: readonly string[]
}

/**
 * Follows a value back through the events that made it what it is. Its place changes on the way: an element has
 * another index where others came or went in front of it.
 */
export class Trace {
  #place: readonly string[] | undefined

  constructor(place: readonly string[]) {
    this.#place = place
  }

  /** True where nothing before can concern the value: it came as a new element of an array. */
  get ended(): boolean {
    return this.#place === undefined
  }

  /** Goes back over one event; undefined where it left the value alone. REQUIRES: not ended. */
  back(changes: Changes): Touch | undefined {
    const after = this.#place!
    let touched = false
    for (let at = changes.length - 1; at >= 0 && !this.ended; at--) {
      if (this.#backOver(changes[at]!)) touched = true
    }
    return touched ? { before: this.#place, after } : undefined
  }

  /** True where a change is made at the value, around it, or inside it. */
  #backOver(change: Change): boolean {
    const place = this.#place!
    const path = parsePointer(change.path)!
    let shared = 0
    while (shared < path.length && shared < place.length && path[shared] === place[shared]) shared++
    if (shared < path.length && shared < place.length) return false
    const isInArray =
      change.op === 'splice' && typeof change.insert !== 'string' && path.length < place.length
    return isInArray ? this.#backOverElements(change, path.length) : true
  }

  #backOverElements({ index, remove, insert }: Extract<Change, { op: 'splice' }>, depth: number): boolean {
    const place = this.#place!
    const at = parseIndex(place[depth]!)
    if (at < index) return false
    if (at >= index + insert.length) {
      this.#place = place.with(depth, String(at - insert.length + remove))
      return false
    }
    // Elements give way to others one by one; what goes beyond them is new.
    if (at >= index + remove) this.#place = undefined
    return true
  }
}
