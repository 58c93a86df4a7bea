import { versionNotFound } from '../errors.ts'
import type { Point, RecordedEvent, ReplayStep } from '../index.ts'
import { apply } from '../state/apply.ts'
import { differAt, effectOf } from '../state/effect.ts'
import type { Reader } from './context.ts'

/** What a player asks of whatever holds the session. */
export type PlayerSource = Pick<Reader, 'stateAt' | 'history'>

export interface VersionRange {
  readonly from: number
  readonly to: number
}

/** Steps that were looked at are kept, the latest so many. */
const KEPT_MAX = 24
/** Who steps back goes on with it: so many steps are made at once, because a state is made from those before it. */
const READ_BACK = 12

/** The steps of a session in any order, each read when it is asked for. */
export class PlayerSteps {
  readonly #source: PlayerSource
  readonly #id: string
  readonly #first: number
  /** By version, the latest asked for last. */
  readonly #kept = new Map<number, ReplayStep<unknown>>()

  /** `first` is the first version that will be asked for. */
  constructor(source: PlayerSource, id: string, first: number) {
    this.#source = source
    this.#id = id
    this.#first = first
  }

  async at(version: number, signal: AbortSignal): Promise<ReplayStep<unknown>> {
    if (!this.#kept.has(version)) {
      const isBack = this.#kept.has(version + 1) && !this.#kept.has(version - 1)
      await this.#read(isBack ? Math.max(version - READ_BACK + 1, this.#first) : version, version, signal)
    }
    const step = this.#kept.get(version)
    if (step === undefined) throw versionNotFound(this.#id, version, version - 1)
    this.#keep(step)
    return step
  }

  /** The last version in a range that was there at a point; undefined where none was. */
  async versionAt(
    point: Exclude<Point, { version: number }>,
    range: VersionRange,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    // Says whether the store has such a position at all.
    if ('position' in point) await this.#source.stateAt(this.#id, { ...point, signal })
    const wasThere = (event: RecordedEvent) =>
      'position' in point ? event.position <= point.position : event.recordedAt <= point.time
    let [low, high] = [range.from - 1, range.to]
    // Positions rise and recorded times never fall.
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (wasThere(await this.#event(middle, signal))) low = middle
      else high = middle - 1
    }
    return low < range.from ? undefined : low
  }

  /** The first version in a range that changed the value at a place, or with `reverse` the last. */
  async changing(
    place: readonly string[],
    range: VersionRange & { readonly reverse: boolean },
    signal: AbortSignal,
    onVersion: (version: number) => void,
  ): Promise<number | undefined> {
    for await (const { version, changes } of this.#source.history(this.#id, { ...range, signal })) {
      onVersion(version)
      const effect = effectOf(changes, place)
      if (effect === 'none') continue
      if (effect === 'changed') return version
      const { before, after } = await this.at(version, signal)
      if (differAt(before, after, place)) return version
    }
    return undefined
  }

  async #event(version: number, signal: AbortSignal): Promise<RecordedEvent> {
    const range = { from: version, to: version, signal }
    for await (const event of this.#source.history(this.#id, range)) return event
    throw versionNotFound(this.#id, version, version - 1)
  }

  async #read(from: number, to: number, signal: AbortSignal): Promise<void> {
    const kept = this.#kept.get(from - 1)
    let before: unknown = kept
      ? kept.after
      : await this.#source.stateAt(this.#id, { version: from - 1, signal })
    for await (const event of this.#source.history(this.#id, { from, to, signal })) {
      const { changes } = event
      // Made from the state before, and not read by itself: then what they share is one object.
      const after = apply(changes, before)
      this.#keep({ event, before, after, changes } as ReplayStep<unknown>)
      before = after
    }
  }

  #keep(step: ReplayStep<unknown>): void {
    const { version } = step.event
    this.#kept.delete(version)
    this.#kept.set(version, step)
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!)
  }
}
