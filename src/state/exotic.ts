import type { Change, Changes } from './changes.ts'
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

/** Changes to hand out: nothing in them is a state's own. */
export function handOutChanges(changes: Changes): Changes {
  return Object.freeze(changes.map(handOutChange))
}

function handOutChange(change: Change): Change {
  if (change.op === 'remove') return change
  return Object.freeze(
    change.op === 'splice'
      ? { ...change, insert: handOut(change.insert) }
      : { ...change, value: handOut(change.value) },
  )
}

function copyHolder(value: object): unknown {
  switch (kindOf(value)) {
    case 'array':
      return freeze(copyMembers(value as readonly unknown[]))
    case 'date':
      return adopt(new Date((value as Date).getTime()))
    case 'bytes':
      return adopt(new Uint8Array(value as Uint8Array))
    case 'map':
      return adopt(copyMap(value as ReadonlyMap<unknown, unknown>))
    case 'set':
      return adopt(new Set(copyMembers([...(value as ReadonlySet<unknown>)])))
  }
  const copy = emptyLike(value)
  for (const key of Object.keys(value)) define(copy, key, handOut((value as Plain)[key]))
  return freeze(copy)
}

function copyMembers(members: readonly unknown[]): unknown[] {
  const copy: unknown[] = []
  for (const member of members) copy.push(handOut(member))
  return copy
}

function copyMap(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>()
  for (const [key, value] of map) copy.set(handOut(key), handOut(value))
  return copy
}
