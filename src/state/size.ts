import { SessionlogError } from '../errors.ts'
import type { Changes } from './changes.ts'
import { isArray, isObject, kindOf, type Plain } from './values.ts'

/** What the changes of one save may come to. One object in many places counts in each of them. */
const SIZE_MAX = 256 * 1024 * 1024

/** Roughly how many bytes these changes take, in memory or encoded: a sum of lengths, for back-pressure. */
export function sizeOfChanges(changes: Changes): number {
  let bytes = 0
  const pending: unknown[] = []
  for (const change of changes) {
    bytes += 16 + change.path.length
    if (change.op === 'splice') pending.push(change.insert)
    else if (change.op !== 'remove') pending.push(change.value)
    while (pending.length > 0 && bytes <= SIZE_MAX) bytes += sizeOf(pending.pop(), pending)
  }
  if (bytes <= SIZE_MAX) return bytes
  throw new SessionlogError(
    'SESSIONLOG_INVALID_STATE',
    `Found changes of more than ${SIZE_MAX} bytes at ''`,
    {
      path: '',
    },
  )
}

/** What a value takes without its members, which are left to be counted. */
function sizeOf(value: unknown, pending: unknown[]): number {
  if (typeof value === 'string') return value.length + 2
  if (!isObject(value)) return typeof value === 'bigint' ? value.toString(16).length : 8
  if (isArray(value)) return pushAll(value, pending)
  switch (kindOf(value)) {
    case 'bytes':
      return (value as Uint8Array).length
    case 'set':
      return pushAll(value as ReadonlySet<unknown>, pending)
    case 'map':
      pushAll((value as ReadonlyMap<unknown, unknown>).keys(), pending)
      return pushAll((value as ReadonlyMap<unknown, unknown>).values(), pending)
  }
  let bytes = 8
  for (const key of Object.keys(value)) {
    bytes += key.length + 2
    pending.push((value as Plain)[key])
  }
  return bytes
}

function pushAll(members: Iterable<unknown>, pending: unknown[]): number {
  for (const member of members) pending.push(member)
  return 8
}
