import { create, isDraftable } from 'mutative'
import { SessionlogTypeError } from './errors.ts'

/** Changes a draft in place, or answers with the next state. */
// biome-ignore lint/suspicious/noConfusingVoidType: a recipe that returns nothing is the usual one.
export type Edit<State> = (draft: State) => State | undefined | void

/** An edit of whatever state. */
export type Recipe = (draft: never) => unknown

/** Objects without a prototype are drafted too. */
const mark = (target: object) => (Object.getPrototypeOf(target) === null ? 'immutable' : undefined)

/**
 * The state after a recipe, sharing with `state` what the recipe did not touch. `state` may hold nothing that
 * a recipe could change behind the draft's back: it must be one to hand out.
 */
export function editState(state: unknown, recipe: Recipe): unknown {
  const edited = isDraftable(state, { mark: mark as never })
    ? (create as (...args: unknown[]) => unknown)(state, recipe, { mark })
    : ((recipe as (value: unknown) => unknown)(state) ?? state)
  if (!(edited instanceof Promise)) return edited
  edited.catch(() => {})
  throw new SessionlogTypeError('A recipe must be synchronous', 'edit')
}
