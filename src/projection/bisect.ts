import { SessionlogError } from '../errors.ts'

/** What a predicate says of a state: `true` from the event on that is looked for; `'skip'` where it can't tell. */
export type Verdict = boolean | 'skip'

/** Where to look, and where not. */
export interface BisectOptions {
  /** A version at which the predicate is not true yet. Default: 0, before the first event. */
  good?: number
  /** A version at which it is true. Default: the session's version. */
  bad?: number
  /** Versions that are not to be asked about. */
  skip?: Iterable<number>
  /** Ends the search with its reason. */
  signal?: AbortSignal
}

export interface Evaluation {
  readonly version: number
  readonly verdict: Verdict
}

/** What a search by halving found. */
export interface Found {
  /** The first version known to be true. */
  readonly version: number
  /** The versions that may be the first one: more than `version` alone where those before it were skipped. */
  readonly candidates: readonly number[]
  /** In the order in which they were made. */
  readonly evaluations: readonly Evaluation[]
  /** Evaluations that contradict the others: the predicate was true and then false again. Empty where none was seen. */
  readonly contradictions: readonly Evaluation[]
}

/** How many more versions are looked at on either side of what was found. */
const PROBES = 2

/**
 * The first version at which `ask` answers true, between `good` (not true) and `bad` (true), by halving: about
 * log2(bad - good) evaluations, both ends first, and then a few in the longest stretches that nobody has looked
 * at, where a predicate that is not monotone may show itself.
 */
export async function bisect(
  ask: (version: number) => Promise<Verdict>,
  good: number,
  bad: number,
  skipped: ReadonlySet<number>,
): Promise<Found> {
  const search = new Search(ask, skipped)
  await search.checkEnd(good, false)
  await search.checkEnd(bad, true)
  let low = good
  let high = bad
  for (;;) {
    const found = await search.between(low, high)
    if (found === undefined) break
    if (found.verdict === true) high = found.version
    else low = found.version
  }
  await search.probe(good, low)
  await search.probe(high, bad)
  const { evaluations } = search
  return {
    version: high,
    candidates: Array.from({ length: high - low }, (_, n) => low + 1 + n),
    evaluations,
    contradictions: evaluations.filter(
      ({ version, verdict }) =>
        (verdict === true && version <= low) || (verdict === false && version >= high),
    ),
  }
}

class Search {
  readonly evaluations: Evaluation[] = []
  readonly #ask: (version: number) => Promise<Verdict>
  readonly #skipped: Set<number>

  constructor(ask: (version: number) => Promise<Verdict>, skipped: ReadonlySet<number>) {
    this.#ask = ask
    this.#skipped = new Set(skipped)
  }

  async checkEnd(version: number, expected: boolean): Promise<void> {
    const verdict = this.#skipped.has(version) ? 'skip' : await this.#evaluate(version)
    if (verdict === expected) return
    const [end, wanted] = expected ? ['bad', 'true'] : ['good', 'not true']
    const message = `The predicate must be ${wanted} at version ${version}, the ${end} end: it answered ${verdict}`
    throw new SessionlogError('SESSIONLOG_BISECT_REFUSED', message, { version })
  }

  /** Asks about the middle between two versions, or where that is skipped about the nearest that is not. */
  async between(low: number, high: number): Promise<Evaluation | undefined> {
    for (;;) {
      const version = this.#nearestMiddle(low, high)
      if (version === undefined) return undefined
      const verdict = await this.#evaluate(version)
      if (verdict !== 'skip') return { version, verdict }
    }
  }

  /** Looks into the longest stretches without an evaluation, from `low` to `high`. */
  async probe(low: number, high: number): Promise<void> {
    for (let step = 0; step < PROBES; step++) {
      const known = this.evaluations
        .map(each => each.version)
        .filter(version => version >= low && version <= high)
      const ends = [...new Set([low, ...known, high])].sort((a, b) => a - b)
      const [from, to] = longest(ends)
      if ((await this.between(from, to)) === undefined) return
    }
  }

  #nearestMiddle(low: number, high: number): number | undefined {
    const middle = Math.floor((low + high) / 2)
    for (let distance = 0; middle - distance > low || middle + distance < high; distance++) {
      for (const version of [middle - distance, middle + distance])
        if (version > low && version < high && !this.#skipped.has(version)) return version
    }
    return undefined
  }

  async #evaluate(version: number): Promise<Verdict> {
    const verdict = await this.#ask(version)
    if (verdict === 'skip') this.#skipped.add(version)
    this.evaluations.push({ version, verdict })
    return verdict
  }
}

function longest(ends: readonly number[]): [from: number, to: number] {
  let best: [number, number] = [ends[0]!, ends[0]!]
  for (let at = 1; at < ends.length; at++)
    if (ends[at]! - ends[at - 1]! > best[1] - best[0]) best = [ends[at - 1]!, ends[at]!]
  return best
}
