import { isDeepStrictEqual } from 'node:util'
import { Chance } from './damage.ts'
import type { Finding, Victim } from './tampered-store.ts'

/** A place that a problem may name. What is left out is not looked at; a pair is a first and a last. */
export interface Place {
  readonly sessionId?: string
  readonly version?: number | readonly [number, number]
  readonly position?: number | readonly [number, number]
  readonly path?: string
}

/** One tampering, and what came of it. */
export interface Trial extends Finding {
  /** What was done, for the message of a failure. */
  readonly what: string
  /** Where it was done: one of these has to be named, and no session but theirs. */
  readonly places: readonly Place[]
  /** Sessions that may be named besides: those that a changed key now speaks of. */
  readonly bystanders?: readonly string[]
  /** Who has to notice, where not just anybody may. */
  readonly only?: Finding['by']
  /** Why nobody can notice, where the change lies in what nothing vouches for, or changes no meaning. */
  readonly uncovered?: string | undefined
}

/** A kind of stored byte, or a way of tampering: does it once, in a fresh copy in `dir`, and lets it be looked for. */
export interface Kind {
  readonly name: string
  try(victim: Victim, chance: Chance, dir: string): Promise<Trial>
}

const UNPROVED = 'SESSIONLOG_PROOF_INVALID'
const CODES = ['SESSIONLOG_CORRUPTION', 'SESSIONLOG_EVENTS_MISSING', 'SESSIONLOG_FORMAT_UNSUPPORTED']

/** What is wrong with what was found; undefined where it was found as it has to be. */
export function faultOf(trial: Trial): string | undefined {
  const { by, problems, places, bystanders = [], only, uncovered } = trial
  if (by === undefined) return uncovered === undefined ? 'Nobody noticed' : undefined
  if (only !== undefined && by !== only) return `Noticed by ${by}, not by ${only}`
  const codes = by === 'proof' ? [UNPROVED] : by === 'bundle' ? [UNPROVED, ...CODES] : CODES
  const odd = problems.find(problem => !codes.includes(problem.code))
  if (odd !== undefined) return `Reported as ${odd.code}`
  const sessions = [...places.map(place => place.sessionId), ...bystanders]
  const accused = problems.find(({ sessionId }) => sessionId !== undefined && !sessions.includes(sessionId))
  if (accused !== undefined && sessions.some(id => id !== undefined))
    return `Session '${accused.sessionId}' is named`
  const isNamed = problems.some(problem => places.some(place => fits(problem, place)))
  return isNamed ? undefined : 'The place is not named'
}

function fits(problem: Place, place: Place): boolean {
  return (Object.keys(place) as (keyof Place)[]).every(name => {
    const [first, last] = [place[name]].flat() as [unknown, unknown?]
    if (last === undefined) return isDeepStrictEqual(problem[name], first)
    return (problem[name] as number) >= (first as number) && (problem[name] as number) <= (last as number)
  })
}

/** Bytes with one of them changed: half of the time by a single bit. */
export function changed(bytes: Buffer, chance: Chance, from = 0): { bytes: Buffer; at: number } {
  const at = from + chance.below(bytes.length - from)
  const copy = Buffer.from(bytes)
  copy[at]! ^= chance.once(2) ? 1 << chance.below(8) : 1 + chance.below(255)
  return { bytes: copy, at }
}

/** How often each kind was tried: by who was the first to notice, or `uncovered` where nobody can. */
export type Tally = Record<string, Record<string, number>>

/** Tampers with one store, kind after kind. */
export class Tampering {
  readonly tally: Tally = {}
  rounds = 0
  readonly #chance: Chance

  constructor(
    readonly victim: Victim,
    readonly kinds: readonly Kind[],
    seed: number,
  ) {
    this.#chance = new Chance(seed)
  }

  /** Tries the next kind once. Throws where it was not found as it has to be. */
  async run(dir: string): Promise<void> {
    const kind = this.kinds[this.rounds % this.kinds.length]!
    this.rounds++
    const trial = await kind.try(this.victim, this.#chance, dir)
    const fault = faultOf(trial)
    if (fault !== undefined) throw new Error(`${kind.name}: ${fault}\n${JSON.stringify(trial, textOf, 2)}`)
    this.tally[kind.name] ??= {}
    const by = trial.by ?? 'uncovered'
    this.tally[kind.name]![by] = (this.tally[kind.name]![by] ?? 0) + 1
  }
}

function textOf(_: string, value: unknown): unknown {
  return value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value
}
