/**
 * The work that every row does: sessions whose state is about 1 kB of nested JSON, one field changed per save.
 * Deterministic, so that two runs and two processes make the same states.
 */

export interface Item {
  sku: string
  title: string
  quantity: number
  price: number
  options: { color: string; size: string }
}

/** A shop session: about 1 kB as JSON. A type alias, so that it is a JSON object to every peer. */
export type State = {
  user: { id: string; name: string; email: string; locale: string }
  cart: { currency: string; items: Item[]; coupon: string | null; total: number }
  address: { street: string; city: string; zip: string; country: string; note: string }
  flags: { newsletter: boolean; gift: boolean; express: boolean }
  steps: string[]
  counters: { views: number; clicks: number; seconds: number }
  status: string
}

/** One save: which session, and the whole state that it saves. */
export interface Save {
  readonly id: string
  readonly state: State
  /** For a `shared` origin: what makes the state from the one before, for a store that hands that one out. */
  readonly change?: FieldChange
}

/** What a peer that is spared the state is given instead: always these 200 bytes. */
export const EVENT = Buffer.alloc(200, 'sessionlog ')

export function sessionId(index: number): string {
  return `session-${String(index).padStart(6, '0')}`
}

export function initialState(index: number): State {
  const items = Array.from({ length: 4 }, (_, at) => item(index, at))
  return {
    user: {
      id: `user-${index}`,
      name: `Ada Lovelace ${index}`,
      email: `ada.${index}@example.org`,
      locale: 'en-GB',
    },
    cart: { currency: 'EUR', items, coupon: null, total: 12_995 + index },
    address: {
      street: '12 St James Square',
      city: 'London',
      zip: 'SW1Y 4JH',
      country: 'GB',
      note: 'Ring twice, then leave it with the neighbour.',
    },
    flags: { newsletter: index % 2 === 0, gift: false, express: index % 3 === 0 },
    steps: ['landing', 'search', 'product', 'cart', 'address'],
    counters: { views: index % 50, clicks: index % 70, seconds: 0 },
    status: 'open',
  }
}

/** One changed field: where it is, and its new value. */
export interface FieldChange {
  readonly path: readonly (string | number)[]
  readonly value: unknown
}

/** Which field a step changes goes round with `step`. */
export function changeAt(step: number): FieldChange {
  return FIELDS[step % FIELDS.length]!(step)
}

const FIELDS: readonly ((step: number) => FieldChange)[] = [
  step => ({ path: ['counters', 'views'], value: step }),
  step => ({ path: ['cart', 'items', step % 4, 'quantity'], value: step }),
  step => ({ path: ['status'], value: `step ${step}` }),
  step => ({ path: ['cart', 'total'], value: 10_000 + step }),
  step => ({ path: ['address', 'note'], value: `Leave parcel ${step} with the neighbour.` }),
  step => ({ path: ['counters', 'seconds'], value: step }),
]

/** The change made in place. */
export function assign<T>(state: T, { path, value }: FieldChange): void {
  let parent = state as Record<string | number, unknown>
  for (let depth = 0; depth < path.length - 1; depth++) parent = parent[path[depth]!] as typeof parent
  parent[path.at(-1)!] = value
}

/** The change made as `{ ...state }` makes it: only what leads to the field is new. */
export function assigned<T>(state: T, { path, value }: FieldChange, depth = 0): T {
  if (depth === path.length) return value as T
  const copy = (Array.isArray(state) ? [...state] : { ...state }) as Record<string | number, unknown>
  copy[path[depth]!] = assigned(copy[path[depth]!], { path, value }, depth + 1)
  return copy as T
}

/** How a caller comes by the state it saves: see {@link Workload}. */
export type Origin = 'fresh' | 'shared'

/**
 * Sessions that go on changing.
 * `fresh`: each saved state is a deep copy that shares nothing with any other, as from a request body: the
 * store has to compare all of it. `shared`: only the path to the changed field is new, as after `{ ...state }`;
 * sessionlog's caller makes it from what `get()` gave it, between the saves.
 */
export class Workload {
  readonly sessions: number
  readonly #origin: Origin
  readonly #first: number
  readonly #states: State[]
  #step = 0

  /** Of `sessions` sessions, from the one numbered `first` on. */
  constructor(sessions: number, origin: Origin = 'shared', first = 0) {
    this.sessions = sessions
    this.#origin = origin
    this.#first = first
    this.#states = Array.from({ length: sessions }, (_, index) => initialState(first + index))
  }

  /** The next `count` saves, round the sessions in turn. Never timed. */
  next(count: number): Save[] {
    return Array.from({ length: count }, () => this.#save())
  }

  #save(): Save {
    const step = this.#step++
    const index = step % this.sessions
    // A session's own step, or with as many sessions as fields each session would only ever change one.
    const change = changeAt(Math.floor(step / this.sessions) + this.#first + index)
    let state = this.#states[index]!
    if (this.#origin === 'fresh') {
      state = copyOf(state)
      assign(state, change)
    } else {
      state = assigned(state, change)
    }
    this.#states[index] = state
    const id = sessionId(this.#first + index)
    return this.#origin === 'fresh' ? { id, state } : { id, state, change }
  }
}

export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (typeof value !== 'object' || value === null) return value
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) copy[key] = copyOf((value as Record<string, unknown>)[key])
  return copy as T
}

function item(index: number, at: number): Item {
  return {
    sku: `SKU-${index}-${at}`,
    title: `A well made thing, number ${at} of four`,
    quantity: 1 + at,
    price: 1_999 + at * 500,
    options: { color: 'midnight blue', size: 'M' },
  }
}
