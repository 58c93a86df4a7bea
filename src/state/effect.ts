import type { Change, Changes } from './changes.ts'
import { parseIndex, parsePointer } from './pointer.ts'
import { equal, isArray, isObject, type Plain } from './values.ts'

/** What changes say of a value; `unknown` where only the states can tell. */
export type Effect = 'changed' | 'none' | 'unknown'

/** What changes do to the value at a place: at it, around it, or inside it. */
export function effectOf(changes: Changes, place: readonly string[]): Effect {
  const effects = changes.map(change => effectOfOne(change, place))
  if (effects.includes('changed')) return 'changed'
  return effects.includes('unknown') ? 'unknown' : 'none'
}

/** Whether another value stands at a place, or none any more. */
export function differAt(before: unknown, after: unknown, place: readonly string[]): boolean {
  const [old, value] = [find(before, place), find(after, place)]
  return old === undefined || value === undefined ? old !== value : !equal(old.value, value.value)
}

function effectOfOne(change: Change, place: readonly string[]): Effect {
  const path = parsePointer(change.path)!
  const depth = Math.min(path.length, place.length)
  for (let at = 0; at < depth; at++) if (path[at] !== place[at]) return 'none'
  if (path.length >= place.length) return 'changed'
  if (change.op === 'add')
    return find(change.value, place.slice(path.length)) === undefined ? 'none' : 'changed'
  if (change.op !== 'splice') return 'unknown'
  const { index, remove, insert } = change
  const at = parseIndex(place[path.length]!)
  if (typeof insert === 'string' || at < index) return 'none'
  const isBehind = at >= index + Math.max(remove, insert.length)
  return isBehind && remove === insert.length ? 'none' : 'unknown'
}

/** What stands at a place, which may be `undefined` itself; undefined where nothing does. */
function find(state: unknown, place: readonly string[]): { readonly value: unknown } | undefined {
  let value = state
  for (const key of place) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
    // An array's own `length` is nothing that a pointer leads to.
    if (isArray(value) && parseIndex(key) < 0) return undefined
    value = (value as Plain)[key]
  }
  return place.length === 0 && state === undefined ? undefined : { value }
}
