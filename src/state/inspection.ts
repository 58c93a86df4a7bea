import { Refusal } from './refusal.ts'
import { copyPlain, type Plain } from './values.ts'

/** How a caller's objects are looked at: whatever a state may not hold is refused. */

export function elementAt(array: readonly unknown[], index: number): unknown {
  const value = array[index]
  if (value === undefined && !(index in array)) throw new Refusal('an array with holes')
  return value
}

export function checkNames(object: object): void {
  if (Object.getOwnPropertySymbols(object).length > 0) throw new Refusal('an object with a symbol as key')
}

export function checkExotic(value: object, name: string): void {
  if (Reflect.ownKeys(value).length > 0) throw new Refusal(`a ${name} with properties of its own`)
}

export function describe(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class'
}

/** True where some script gave all objects another property, which `for in` lists as well. */
export function isPolluted(): boolean {
  for (const _ in Object.prototype) return true
  return false
}

/** A copy that reads each property once. */
export function copyOnce(object: Plain): Plain {
  try {
    return copyPlain(object)
  } catch (error) {
    throw Refusal.from(error).within(object, findThrowing(object))
  }
}

function findThrowing(object: Plain): string {
  for (const key in object) {
    try {
      void object[key]
    } catch {
      return key
    }
  }
  return ''
}
