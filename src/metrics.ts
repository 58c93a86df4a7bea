import type { CompactionReport } from './snapshot/compaction.ts'

/** How often a figure lay up to each bound; the last count is of those above all of them. */
export interface Histogram {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
  readonly count: number
}

/** How the last compaction went. */
export interface LastCompaction {
  /** ms since the epoch. */
  readonly endedAt: number
  readonly durationMs?: number
  readonly sessions?: number
  readonly events?: number
  /** How many sessions were left as they were. */
  readonly problems?: number
  /** Why it failed. */
  readonly error?: string
}

/** Powers of two, from a tenth of a millisecond to about six seconds. */
const MS_BOUNDS = Array.from({ length: 17 }, (_, power) => 0.1 * 2 ** power)
const EVENT_BOUNDS = Array.from({ length: 13 }, (_, power) => 2 ** power)

/** What an owner has written since it opened its log. */
export class Metrics {
  readonly #commitMs = new Tally(MS_BOUNDS)
  readonly #commitEvents = new Tally(EVENT_BOUNDS)
  #bytes = 0
  #lastCompaction: LastCompaction | undefined

  committed(events: number, bytes: number, durationMs: number): void {
    this.#commitMs.add(durationMs)
    this.#commitEvents.add(events)
    this.#bytes += bytes
  }

  compacted({ durationMs, sessions, events, problems }: CompactionReport): void {
    this.#lastCompaction = { endedAt: Date.now(), durationMs, sessions, events, problems: problems.length }
  }

  compactionFailed(error: unknown): void {
    this.#lastCompaction = { endedAt: Date.now(), error: (error as Error).message }
  }

  get lastCompaction(): LastCompaction | undefined {
    return this.#lastCompaction
  }

  /** Commits, how many events each had, and how many ms it took to write. */
  get commits() {
    const commitMs = this.#commitMs.histogram
    const commitEvents = this.#commitEvents.histogram
    return { commits: commitMs.count, events: commitEvents.sum, bytes: this.#bytes, commitMs, commitEvents }
  }
}

class Tally {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array(bounds.length + 1).fill(0)
  }

  add(value: number): void {
    let at = 0
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++
    this.#counts[at]!++
    this.#sum += value
    this.#count++
  }

  get histogram(): Histogram {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum, count: this.#count }
  }
}
