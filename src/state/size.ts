import { SessionlogError } from '../errors.ts'
import type { Changes } from './changes.ts'
import { isArray, isObject, kindOf, type Plain } from './values.ts'

/** What the changes of one save may come to. One object in many places counts in each of them. */
const SIZE_MAX = 256 * 1024 * 1024

/** Roughly how many bytes these changes take, in memory or encoded: a sum of lengths, for back-pressure. */
export function sizeOfChanges(changes: Changes): number {
  const total = new Total()
  for (const change of changes) {
    total.add(16 + change.path.length)
    if (change.op === 'splice') total.addValue(change.insert)
    else if (change.op !== 'remove') total.addValue(change.value)
  }
  return total.bytes
}

class Total {
  bytes = 0

  add(bytes: number): void {
    this.bytes += bytes
    if (this.bytes > SIZE_MAX) {
      throw new SessionlogError('SESSIONLOG_INVALID_STATE', `A change of more than ${SIZE_MAX} bytes`, {
        path: '',
      })
    }
  }

  addValue(value: unknown): void {
    if (typeof value === 'string') this.add(value.length + 2)
    else if (isObject(value)) this.#addObject(value)
    else this.add(typeof value === 'bigint' ? value.toString(16).length : 8)
  }

  #addObject(value: object): void {
    this.add(8)
    const kind = kindOf(value)
    if (kind === 'bytes') this.add((value as Uint8Array).length)
    else if (kind === 'map' || kind === 'set') this.#addMembers(value as ReadonlyMap<unknown, unknown>)
    else if (isArray(value)) for (const member of value) this.addValue(member)
    else for (const key of Object.keys(value)) this.#addProperty(key, (value as Plain)[key])
  }

  #addMembers(members: ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>): void {
    members.forEach((value, key) => {
      this.addValue(key)
      if (value !== key) this.addValue(value)
    })
  }

  #addProperty(key: string, value: unknown): void {
    this.add(key.length + 2)
    this.addValue(value)
  }
}
