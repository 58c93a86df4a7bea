import { isIndex, type Plain } from './values.ts'

/** With more keys than this to put in front of others, an object is better written whole. */
const FOLLOWERS_MAX = 16

/**
 * For each key that an object gains, the kept one it stands in front of, where there is one. `undefined` where
 * adding and removing keys cannot lead to their new order: where kept keys change places.
 */
export function findFollowers(
  previous: Plain,
  value: Plain,
  old: readonly string[],
  keys: readonly string[],
): Map<string, string> | undefined {
  const followers = new Map<string, string>()
  let last = old.length
  let follower: string | undefined
  for (let index = keys.length - 1; index >= 0; index--) {
    const key = keys[index]!
    if (Object.hasOwn(previous, key)) {
      do last--
      while (last >= 0 && !Object.hasOwn(value, old[last]!))
      if (old[last] !== key) return undefined
      follower = key
    } else if (follower !== undefined && !isIndex(key)) {
      followers.set(key, follower)
    }
  }
  return followers.size > FOLLOWERS_MAX ? undefined : followers
}
