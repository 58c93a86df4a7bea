import { isArray, isObject, kindOf } from './values.ts'

/**
 * The objects that `Object.freeze` cannot protect (Date, Map, Set, Uint8Array) and every frozen container
 * with one somewhere below. Filled as containers are frozen, so that nobody ever walks a state to find out.
 */
const holders = new WeakSet<object>()
let anyHolder = false

/** Freezes a container whose members are frozen already. */
export function freeze<T extends object>(container: T): T {
  if (anyHolder && membersOf(container).some(isHolder)) holders.add(container)
  return Object.freeze(container)
}

export type Exotic = Date | Uint8Array | Map<unknown, unknown> | Set<unknown>

/** Notes a value of ours that cannot be frozen. */
export function adopt<T extends Exotic>(value: T): T {
  holders.add(value)
  anyHolder = true
  return value
}

/** True for a value of ours that cannot be frozen, or that holds one. */
export function isHolder(value: unknown): boolean {
  return anyHolder && isObject(value) && holders.has(value)
}

/** Freezes a value of ours, all the way down. What is frozen already is taken to be so below as well. */
export function freezeDeep<T>(value: T): T {
  if (!isObject(value) || Object.isFrozen(value) || isHolder(value)) return value
  switch (kindOf(value)) {
    case 'object':
    case 'bare':
    case 'array':
      for (const member of membersOf(value)) freezeDeep(member)
      return freeze(value)
    case 'map':
      for (const key of (value as unknown as ReadonlyMap<unknown, unknown>).keys()) freezeDeep(key)
      for (const member of (value as unknown as ReadonlyMap<unknown, unknown>).values()) freezeDeep(member)
      break
    case 'set':
      for (const member of value as unknown as ReadonlySet<unknown>) freezeDeep(member)
  }
  return adopt(value as Date & T)
}

/** How a value is taken over: by {@link freezeDeep}, or as it is by whoever keeps it to himself. */
export type Keep = <T>(value: T) => T

export function asItIs<T>(value: T): T {
  return value
}

function membersOf(container: object): readonly unknown[] {
  return isArray(container) ? container : Object.values(container)
}
