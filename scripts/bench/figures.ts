/** The middle of what was measured, and how far it spread. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) }
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * at
  const below = sorted[Math.floor(place)]!
  const above = sorted[Math.ceil(place)]!
  return below + (above - below) * (place % 1)
}

/** Three digits are as many as a shared machine can stand behind. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size >= 1_000_000) return `${(value / 1_000_000).toPrecision(3)} M`
  if (size >= 10_000) return `${Math.round(value / 1000)} k`
  if (size >= 1000) return `${(value / 1000).toFixed(1)} k`
  if (size >= 100) return value.toFixed(0)
  return value === 0 ? '0' : value.toPrecision(size >= 10 ? 3 : 2)
}
