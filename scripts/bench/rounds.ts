import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Spread, spreadOf } from './figures.ts'

/** One side of a comparison: works for about `sliceMs` and answers with its figure. */
export type Side = (sliceMs: number) => Promise<number>

export interface Comparison {
  readonly a: number
  readonly b: number
  /** a / b, a ratio a round: a machine that is busy with something else slows both sides of it. */
  readonly ratio: Spread
}

const WARM_UP_MS = 1000
const COMPARISON_MS_MAX = 30_000
const ROUNDS_MIN = 3

/** From this length on a slice is one of a store's, which goes on working in the background. */
const SUSTAINED_MS = 500
const REST_MS_MAX = 3000
const REST_STEP_MS = 50
/** Of one core, in per cent. */
const AT_REST_BELOW = 5

/**
 * A B A B …, after a warm-up of each that isn't counted. Short slices and many rounds where a side does all its
 * work in the slice: the speed of a shared machine drifts within seconds. Two seconds for stores, and after each
 * a pause until the process is at rest: what a store does in the background (LevelDB's own compaction,
 * checkpoints) would otherwise fall into the other side's slices. Slow sides get
 * fewer rounds. No collection is forced between slices: it shrinks V8's young generation, which slows what comes
 * after it.
 */
export async function alternate(a: Side, b: Side, rounds: number, sliceMs: number): Promise<Comparison> {
  collectGarbage()
  const sustained = sliceMs >= SUSTAINED_MS
  const slice = async (side: Side, ms: number) => {
    const figure = await side(ms)
    if (sustained) await rest()
    return figure
  }
  await slice(a, WARM_UP_MS)
  await slice(b, WARM_UP_MS)
  const found: { a: number; b: number }[] = []
  const startMs = performance.now()
  while (found.length < rounds) {
    if (found.length >= ROUNDS_MIN && performance.now() - startMs > COMPARISON_MS_MAX) break
    found.push({ a: await slice(a, sliceMs), b: await slice(b, sliceMs) })
  }
  return compared(found)
}

async function rest(): Promise<void> {
  for (let waitedMs = 0; waitedMs < REST_MS_MAX; waitedMs += REST_STEP_MS) {
    const before = process.cpuUsage()
    await setTimeout(REST_STEP_MS)
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1000 < (REST_STEP_MS * AT_REST_BELOW) / 100) return
  }
}

export function compared(found: readonly { a: number; b: number }[]): Comparison {
  return {
    a: spreadOf(found.map(each => each.a)).median,
    b: spreadOf(found.map(each => each.b)).median,
    ratio: spreadOf(found.map(each => each.a / each.b)),
  }
}

/** What was measured before is not the next comparison's to pay for. */
export function collectGarbage(): void {
  gc ??= globalThis.gc ?? exposeGc()
  gc()
}

let gc: (() => unknown) | undefined

/** Works without --expose-gc, which `tsx scripts/bench/run.ts` isn't given. */
function exposeGc(): () => unknown {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => unknown
}
