import type { Encoded } from './encoding.ts'
import {
  moreWrites,
  named,
  namedPlaces,
  type Places,
  type Pointer,
  placeOf,
  withoutPlace,
  withPlace,
  writesAt,
} from './places.ts'
import { mergeWrites, NO_WRITES, type Writes } from './writes.ts'

/** What the checkpoint is, its values apart. Names of channels and of nodes, and numbers: not what users said. */
export interface CheckpointHead {
  readonly id: string
  readonly parent?: string
  readonly v: number
  readonly ts: string
  readonly channel_versions: Readonly<Record<string, number | string>>
  readonly versions_seen: Readonly<Record<string, Readonly<Record<string, number | string>>>>
}

/** One checkpoint. */
export interface CheckpointRecord {
  readonly checkpoint: CheckpointHead
  /** A `CheckpointMetadata`, encoded. */
  readonly metadata: Encoded
  /** The values of the channels, each encoded. */
  readonly values: Readonly<Record<string, Encoded>>
}

/** A namespace: the checkpoint that was put last, and where the others lie. */
export interface Namespace extends Partial<CheckpointRecord> {
  /** What tasks have written since. */
  readonly writes?: Writes
  /** Where more of those writes lie, from before. */
  readonly earlier?: readonly Pointer[]
  /** The greatest id that was put, where that is not the current one. */
  readonly latest?: string
  readonly older?: Places
  /** Writes of checkpoints that are not there yet. */
  readonly early?: Readonly<Record<string, Writes>>
}

/** What a thread's session holds: the root namespace, and beside it those of subgraphs. */
export interface ThreadState extends Namespace {
  /** The session whose versions the pointers count: another one after a fork, until the next change. */
  readonly langgraph: { readonly format: 1; readonly session: string }
  readonly subgraphs?: Readonly<Record<string, Namespace>>
  /** What this version wrote to a checkpoint that is not the current one. Gone at the next. */
  readonly late?: { readonly namespace: string; readonly id: string; readonly writes: Writes }
}

/** A session as it stands before a change. */
export interface Standing {
  readonly session: string
  readonly version: number
  readonly state: ThreadState | undefined
}

const EMPTY: Namespace = Object.freeze({})

export function namespaceOf(state: ThreadState, name: string): Namespace {
  return name === '' ? state : (own(state.subgraphs, name) ?? EMPTY)
}

export function own<T>(object: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined
}

/** The state once a checkpoint is the current one of its namespace. The one before it is found by its version. */
export function withCheckpoint(standing: Standing, name: string, record: CheckpointRecord): ThreadState {
  const { version } = standing
  const { id } = record.checkpoint
  const state = archiveBelow(settled(standing), name, version)
  const space = namespaceOf(state, name)
  const again = space.checkpoint?.id === id
  const { older = {}, early = {}, ...rest } = again ? space : archived(space, version)
  const known = placeOf(older, id)
  const earlier = known === undefined ? rest.earlier : writesAt(known)
  const stale = Object.keys(early).filter(other => other < id)
  const left = stale.reduce(
    (places, other) => withPlace(places, other, moreWrites(placeOf(places, other), version)),
    withoutPlace(older, id),
  )
  return replaced(state, name, {
    ...rest,
    ...record,
    writes: mergeWrites(own(early, id) ?? NO_WRITES, rest.writes ?? NO_WRITES),
    ...(earlier && { earlier }),
    latest: greater(latestOf(space), id)!,
    older: left,
    early: without(early, [id, ...stale]),
  })
}

/** The state once a task's writes are added to a checkpoint, which may be an older one, or one that comes later. */
export function withWrites(standing: Standing, name: string, id: string, writes: Writes): ThreadState {
  const state = settled(standing)
  const space = namespaceOf(state, name)
  if (space.checkpoint?.id === id)
    return replaced(state, name, { ...space, writes: mergeWrites(space.writes ?? NO_WRITES, writes) })
  const known = placeOf(space.older, id)
  if (known === undefined) {
    const before = own(space.early, id) ?? NO_WRITES
    return replaced(state, name, { ...space, early: { ...space.early, [id]: mergeWrites(before, writes) } })
  }
  const older = withPlace(space.older!, id, moreWrites(known, standing.version + 1))
  return { ...replaced(state, name, { ...space, older }), late: { namespace: name, id, writes } }
}

/** The greatest id of a namespace: ids grow with time. */
export function latestOf({ checkpoint, latest }: Namespace): string | undefined {
  return greater(latest, checkpoint?.id)
}

function greater(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a
}

/** Ready to be changed: every pointer says whose version it is, once that is not this session. */
function settled({ session, state }: Standing): ThreadState {
  const { late: _, ...rest } = state ?? { langgraph: { format: 1, session } as const }
  const { langgraph } = rest
  if (langgraph.session === session) return rest
  const rename = (space: Namespace): Namespace => ({
    ...space,
    ...(space.earlier && { earlier: space.earlier.map(pointer => named(pointer, langgraph.session)) }),
    ...(space.older && { older: namedPlaces(space.older, langgraph.session) }),
  })
  const subgraphs = rest.subgraphs && { subgraphs: mapped(rest.subgraphs, rename) }
  return { ...rest, ...rename(rest), ...subgraphs, langgraph: { ...langgraph, session } }
}

/** A run of a subgraph has a namespace of its own: once its caller has gone on, its values need no memory. */
function archiveBelow(state: ThreadState, name: string, version: number): ThreadState {
  const { subgraphs } = state
  if (subgraphs === undefined) return state
  const below = Object.keys(subgraphs).filter(
    other => own(subgraphs, other)!.checkpoint && (name === '' || other.startsWith(`${name}|`)),
  )
  if (below.length === 0) return state
  const moved = below.map(other => [other, tidy(archived(own(subgraphs, other)!, version))] as const)
  return { ...state, subgraphs: { ...subgraphs, ...Object.fromEntries(moved) } }
}

/** Without a current checkpoint: at `version` it still was. */
function archived(space: Namespace, version: number): Namespace {
  const { checkpoint, metadata: _, values: __, writes: ___, earlier, ...rest } = space
  if (checkpoint === undefined) return space
  const place = earlier === undefined ? version : { at: version, writes: [...earlier, version] }
  return { ...rest, latest: latestOf(space)!, older: withPlace(rest.older ?? {}, checkpoint.id, place) }
}

function replaced(state: ThreadState, name: string, space: Namespace): ThreadState {
  const { langgraph } = state
  const root = tidy(name === '' ? space : state)
  const subgraphs = name === '' ? state.subgraphs : { ...state.subgraphs, [name]: tidy(space) }
  return { langgraph, ...root, ...(subgraphs && { subgraphs }) }
}

const KEYS = ['checkpoint', 'metadata', 'values', 'writes', 'earlier', 'latest', 'older', 'early'] as const
const LEFT_OUT_EMPTY: readonly string[] = ['writes', 'older', 'early']

/** The keys in one order: another one would make an event of the whole state. */
function tidy(space: Namespace): Namespace {
  const entries = KEYS.map(key => [key, space[key]] as const)
  const kept = entries.filter(
    ([key, value]) =>
      value !== undefined &&
      !(LEFT_OUT_EMPTY.includes(key) && Object.keys(value as object).length === 0) &&
      !(key === 'latest' && value === space.checkpoint?.id),
  )
  return Object.fromEntries(kept)
}

function without<T>(object: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

function mapped<T, U>(object: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]))
}
