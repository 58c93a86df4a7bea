import { adopt, freeze, isHolder } from './freeze.ts'
import { define, emptyLike, kindOf, type Plain } from './values.ts'

/** True where a state holds a Date, Map, Set or Uint8Array, which a reader could change. Costs one look-up. */
export function holdsExotic(state: unknown): boolean {
  return isHolder(state)
}

/**
 * The state to hand to somebody who must not be able to change ours: every Date, Map, Set and Uint8Array in it
 * is a fresh one. The state itself where it holds none; subtrees that hold none are shared.
 */
export function handOut<T>(state: T): T {
  return isHolder(state) ? (copyHolder(state as object) as T) : state
}

function copyHolder(value: object): unknown {
  switch (kindOf(value)) {
    case 'array':
      return freeze((value as readonly unknown[]).map(handOut))
    case 'date':
      return adopt(new Date((value as Date).getTime()))
    case 'bytes':
      return adopt(new Uint8Array(value as Uint8Array))
    case 'map':
      return adopt(
        new Map(Array.from(value as Map<unknown, unknown>, pair => pair.map(handOut) as [unknown, unknown])),
      )
    case 'set':
      return adopt(new Set(Array.from(value as Set<unknown>, handOut)))
  }
  const copy = emptyLike(value)
  for (const [key, member] of Object.entries(value as Plain)) define(copy, key, handOut(member))
  return freeze(copy)
}
