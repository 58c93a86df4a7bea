import { equal, isArray, isObject, kindOf } from './values.ts'

/** Values that share a hash beyond this many are not found: a bound on what bad luck can cost. */
const CHAIN_MAX = 16
/** How many members of a container its hash looks at, and how many levels down. */
const HASH_MEMBERS = 16
const HASH_DEPTH = 3

/** Where values are, by what is in them. Equal ones are given out in the order in which they came in. */
export class ContentIndex {
  readonly #chains = new Map<number, { value: unknown; place: number }[]>()

  add(value: unknown, place: number): void {
    const key = hash(value, HASH_DEPTH)
    const chain = this.#chains.get(key)
    if (chain === undefined) this.#chains.set(key, [{ value, place }])
    else if (chain.length < CHAIN_MAX) chain.push({ value, place })
  }

  /** The place of an equal value, which is then no longer in the index, or -1. */
  take(value: unknown): number {
    const chain = this.#chains.get(hash(value, HASH_DEPTH)) ?? []
    const at = chain.findIndex(entry => equal(entry.value, value))
    return at < 0 ? -1 : chain.splice(at, 1)[0]!.place
  }
}

function hash(value: unknown, depth: number): number {
  if (typeof value === 'string') return hashText(value)
  if (typeof value === 'number') return (value * 4_096) | 0
  if (!isObject(value))
    return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : Number(Boolean(value))
  if (isArray(value)) return hashMembers(value, depth)
  const kind = kindOf(value)
  if (kind === 'object' || kind === 'bare') return hashMembers(Object.values(value), depth)
  if (kind === 'date') return (value as Date).getTime() | 0
  return (value as { size?: number }).size ?? (value as Uint8Array).length
}

function hashMembers(members: readonly unknown[], depth: number): number {
  let sum = members.length
  const count = depth === 0 ? 0 : Math.min(sum, HASH_MEMBERS)
  for (let index = 0; index < count; index++) {
    sum = (Math.imul(sum, 31) + hash(members[index], depth - 1)) | 0
  }
  return sum
}

/** Names that differ do so at their ends, mostly. */
function hashText(text: string): number {
  let sum = text.length
  for (let index = Math.max(0, text.length - 12); index < text.length; index++) {
    sum = (Math.imul(sum, 31) + text.charCodeAt(index)) | 0
  }
  return text === '' ? 0 : (Math.imul(sum, 31) + text.charCodeAt(0)) | 0
}
