/** What lies between two matches: `remove` elements at `from` gave way to `insert` elements at `to`. */
export interface Gap {
  from: number
  remove: number
  to: number
  insert: number
}

/**
 * For each label of `after` the index of the equal one in `before` that it stands for, or -1; the indexes
 * rise. Equal labels are paired in the order in which they occur, the longest rising run of pairs is kept,
 * and the gaps are closed from both sides: O(n log n) whatever the number of differences.
 */
export function align(before: readonly unknown[], after: readonly unknown[]): Int32Array {
  const match = longestRise(pairOccurrences(before, after))
  for (const gap of gaps(match, before.length)) closeGap(gap, match, before, after)
  return match
}

/** The gaps that a match leaves, from the first to the last. */
export function gaps(match: Int32Array, length: number): Gap[] {
  const found: Gap[] = []
  let from = 0
  let to = 0
  for (let index = 0; index <= match.length; index++) {
    const next = index === match.length ? length : match[index]!
    if (next < 0) continue
    if (next > from || index > to) found.push({ from, remove: next - from, to, insert: index - to })
    from = next + 1
    to = index + 1
  }
  return found
}

function pairOccurrences(before: readonly unknown[], after: readonly unknown[]): Int32Array {
  const first = new Map<unknown, number>()
  const following = new Int32Array(before.length)
  for (let index = before.length - 1; index >= 0; index--) {
    following[index] = first.get(before[index]) ?? -1
    first.set(before[index], index)
  }
  return Int32Array.from(after, label => {
    const index = first.get(label) ?? -1
    if (index >= 0) first.set(label, following[index]!)
    return index
  })
}

/** Keeps one longest rising run of the indexes and makes all others -1 (patience sorting). */
function longestRise(indexes: Int32Array): Int32Array {
  const ends: number[] = []
  const parents = new Int32Array(indexes.length)
  indexes.forEach((value, at) => {
    if (value < 0) return
    const rank = lowerBound(ends, end => indexes[end]! < value)
    parents[at] = rank > 0 ? ends[rank - 1]! : -1
    ends[rank] = at
  })
  const rise = new Int32Array(indexes.length).fill(-1)
  for (let at = ends.at(-1) ?? -1; at >= 0; at = parents[at]!) rise[at] = indexes[at]!
  return rise
}

function lowerBound(sorted: readonly number[], isBelow: (value: number) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBelow(sorted[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

function closeGap(gap: Gap, match: Int32Array, before: readonly unknown[], after: readonly unknown[]): void {
  let { from, to, remove, insert } = gap
  while (remove > 0 && insert > 0 && before[from] === after[to]) {
    match[to++] = from++
    remove--
    insert--
  }
  while (remove > 0 && insert > 0 && before[from + remove - 1] === after[to + insert - 1]) {
    match[to + --insert] = from + --remove
  }
}
