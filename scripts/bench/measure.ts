import type { Spread } from './figures.ts'

/** What a figure has to reach: a ratio to the peer, or ours as it stands. */
export interface Bound {
  readonly of: 'ratio' | 'ours'
  readonly direction: 'at least' | 'at most'
  readonly value: number
}

/** One line of the table. */
export interface Measure {
  readonly measure: string
  readonly unit: string
  readonly ours?: number | undefined
  readonly against?: string | undefined
  readonly peer?: number | undefined
  /** Ours over the peer's, a ratio a round. */
  readonly ratio?: Spread | undefined
  /** None where the line is only told, or prices one of the seed's options. */
  readonly must?: Bound | undefined
  /** What else to know; why a line is empty. */
  readonly note?: string | undefined
}

export function atLeast(value: number): Bound {
  return { of: 'ratio', direction: 'at least', value }
}

export function atMost(value: number): Bound {
  return { of: 'ratio', direction: 'at most', value }
}

export function oursAtMost(value: number): Bound {
  return { of: 'ours', direction: 'at most', value }
}

export type Verdict = 'ok' | 'short' | 'told' | 'absent'

export function verdictOf(measure: Measure): Verdict {
  const { must, ratio, ours } = measure
  const found = must?.of === 'ours' ? ours : ratio?.median
  if (ours === undefined || (must !== undefined && found === undefined)) return 'absent'
  if (must === undefined) return 'told'
  const reached = must.direction === 'at least' ? found! >= must.value : found! <= must.value
  return reached ? 'ok' : 'short'
}

/** A group of lines that `--only` can ask for. */
export interface Row {
  readonly name: string
  readonly about: string
  run(bench: Bench): Promise<Measure[]>
}

/** How a run was asked for, and what rows say while they work. */
export interface Bench {
  readonly quick: boolean
  /** Rounds a comparison. */
  readonly rounds: number
  /** About how long one side works in a round. */
  readonly sliceMs: number
  /** For stores that go on working in the background: slices long enough that each pays for its own. */
  readonly sustained: { readonly rounds: number; readonly sliceMs: number }
  /** Build stored things again. */
  readonly rebuild: boolean
  say(line: string): void
}
