/** Where a session's log has something: its version, behind which `@` may name a session that it was forked from. */
export type Pointer = number | `${number}@${string}`

/** Where a checkpoint lies that is not the current one of its namespace. */
export type Place =
  | Pointer
  /** `writes` in their order. Without `at` there are writes of a checkpoint that never came. */
  | { readonly at?: Pointer; readonly writes: readonly Pointer[] }

/**
 * Places by the ids of checkpoints, in a fixed number of parts: each event adds one, and so copies one part, however
 * many there are.
 */
export type Places = Readonly<Record<string, Readonly<Record<string, Place>>>>

const PARTS = 64

export function placeOf(places: Places | undefined, id: string): Place | undefined {
  const part = places?.[partOf(id)]
  return part !== undefined && Object.hasOwn(part, id) ? part[id] : undefined
}

export function allPlaces(places: Places): [id: string, place: Place][] {
  return Object.values(places).flatMap(part => Object.entries(part))
}

export function withPlace(places: Places, id: string, place: Place): Places {
  const name = partOf(id)
  return { ...places, [name]: { ...places[name], [id]: place } }
}

export function withoutPlace(places: Places, id: string): Places {
  if (placeOf(places, id) === undefined) return places
  const { [id]: _, ...part } = places[partOf(id)]!
  return { ...places, [partOf(id)]: part }
}

export function writesAt(place: Place): readonly Pointer[] {
  return typeof place === 'object' ? place.writes : [place]
}

export function recordAt(place: Place): Pointer | undefined {
  return typeof place === 'object' ? place.at : place
}

/** With the writes that a version has. */
export function moreWrites(place: Place | undefined, version: number): Place {
  if (place === undefined) return { writes: [version] }
  const at = recordAt(place)
  return { ...(at !== undefined && { at }), writes: [...writesAt(place), version] }
}

/** The same places, told from outside the session. */
export function namedPlaces(places: Places, session: string): Places {
  const entries = Object.entries(places).map(([name, part]) => {
    const named = Object.entries(part).map(([id, place]) => [id, namedPlace(place, session)] as const)
    return [name, Object.fromEntries(named)] as const
  })
  return Object.fromEntries(entries)
}

export function named(pointer: Pointer, session: string): Pointer {
  return typeof pointer === 'number' ? `${pointer}@${session}` : pointer
}

function namedPlace(place: Place, session: string): Place {
  if (typeof place !== 'object') return named(place, session)
  const at = place.at !== undefined && { at: named(place.at, session) }
  return { ...at, writes: place.writes.map(pointer => named(pointer, session)) }
}

/** FNV-1a: neighbours in time fall into different parts. The log holds what it answers: it never changes. */
function partOf(id: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  return `p${(hash >>> 8) % PARTS}`
}
