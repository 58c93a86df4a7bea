import { create, isDraft, isDraftable, rawReturn } from 'mutative'
import { SessionlogTypeError } from './errors.ts'
import { isObject } from './state/values.ts'

/** Changes a draft in place, or answers with the next state. */
// biome-ignore lint/suspicious/noConfusingVoidType: a recipe that returns nothing is the usual one.
export type Edit<State> = (draft: State) => State | undefined | void

/** An edit of whatever state. */
export type Recipe = (draft: never) => unknown

/** Objects without a prototype are drafted too. Asked of whatever a recipe reads, also of what isn't there. */
const mark = (target: unknown) =>
  isObject(target) && Object.getPrototypeOf(target) === null ? 'immutable' : undefined

/**
 * The state after a recipe, sharing with `state` what the recipe did not touch. `state` may hold nothing that
 * a recipe could change behind the draft's back: it must be one to hand out.
 */
export function editState(state: unknown, recipe: Recipe): unknown {
  if (typeof recipe !== 'function') throw new SessionlogTypeError('edit must be a function', 'edit')
  const run = (draft: unknown) => checkSynchronous((recipe as (draft: unknown) => unknown)(draft))
  if (isDraftable(state, { mark: mark as never }))
    return createDraft(state, draft => withoutWarning(run(draft)), { mark })
  const answer = run(state)
  return answer === undefined ? state : answer
}

const createDraft = create as (state: unknown, recipe: Recipe, options: object) => unknown

function checkSynchronous(answer: unknown): unknown {
  if (!(answer instanceof Promise)) return answer
  answer.catch(() => {})
  throw new SessionlogTypeError('A recipe must be synchronous', 'edit')
}

/** Marks an answer as one to take as it is: mutative would look for drafts in it, and print a warning about that. */
function withoutWarning(answer: unknown): unknown {
  return !isObject(answer) || holdsDraft(answer, new Set()) ? answer : rawReturn(answer)
}

function holdsDraft(value: unknown, seen: Set<unknown>): boolean {
  if (!isObject(value) || seen.has(value)) return false
  seen.add(value)
  if (isDraft(value)) return true
  const members =
    value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : membersOf(value)
  return members.some(member => holdsDraft(member, seen))
}

/** Without calling getters: they are read once, later. */
function membersOf(value: object): unknown[] {
  return Object.values(Object.getOwnPropertyDescriptors(value)).map(property => property.value)
}
