import { Refusal } from './refusal.ts'
import type { Kind } from './values.ts'

type Exotic = Date | Uint8Array | Map<unknown, unknown> | Set<unknown>

type IsolateMember = (member: unknown) => unknown

/** A fresh Date, Map, Set or Uint8Array with isolated members, whatever realm or class the given one is from. */
export function copyExotic(value: object, kind: Kind, isolate: IsolateMember): Exotic {
  if (kind === 'bytes') return new Uint8Array(value as Uint8Array)
  if (Reflect.ownKeys(value).length > 0) throw new Refusal(`a ${kind} with properties`)
  switch (kind) {
    case 'map':
      return new Map(copyEntries(value, Map.prototype.entries.call(value), isolate))
    case 'set':
      return new Set(copyMembers(value, Set.prototype.values.call(value), isolate))
  }
  return new Date(Date.prototype.getTime.call(value))
}

function copyEntries(owner: object, entries: Iterable<[unknown, unknown]>, isolate: IsolateMember) {
  return Array.from(entries, (entry, index): [unknown, unknown] => {
    try {
      const [key, value] = copyMembers(entry, entry, isolate)
      return [key, value]
    } catch (error) {
      throw Refusal.from(error).within(owner, index)
    }
  })
}

function copyMembers(owner: object, members: Iterable<unknown>, isolate: IsolateMember): unknown[] {
  return Array.from(members, (member, index) => {
    try {
      return isolate(member)
    } catch (error) {
      throw Refusal.from(error).within(owner, index)
    }
  })
}
