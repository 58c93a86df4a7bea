import { equal, isArray, isObject, kindOf } from './values.ts'

/** Values that share a hash beyond this many are each taken for new: a bound on what bad luck can cost. */
const CHAIN_MAX = 16
/** How many members of a container its hash looks at, and how many levels down. */
const HASH_MEMBERS = 16
const HASH_DEPTH = 3

/** Numbers values so that equal ones (to the last bit) get the same number, in the order of appearance. */
export class Labels {
  readonly #chains = new Map<unknown, number[]>()
  readonly #values: unknown[] = []

  get size(): number {
    return this.#values.length
  }

  /** The first value that got this label. */
  first(label: number): unknown {
    return this.#values[label]
  }

  of(value: unknown): number {
    const key = isObject(value) ? hash(value, HASH_DEPTH) : value
    const chain = this.#chains.get(key)
    const known = chain?.find(label => equal(this.#values[label], value))
    if (known !== undefined) return known
    const label = this.#values.push(value) - 1
    if (chain === undefined) this.#chains.set(key, [label])
    else if (chain.length < CHAIN_MAX) chain.push(label)
    return label
  }
}

function hash(value: unknown, depth: number): number {
  if (typeof value === 'string') return hashString(value)
  if (typeof value === 'number') return (value * 4_096) | 0
  if (!isObject(value)) return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value ? 1 : 0
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
function hashString(text: string): number {
  let sum = text.length
  for (let index = Math.max(0, text.length - 12); index < text.length; index++) {
    sum = (Math.imul(sum, 31) + text.charCodeAt(index)) | 0
  }
  return (Math.imul(sum, 31) + text.charCodeAt(0)) | 0
}
