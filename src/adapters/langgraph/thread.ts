import { SessionlogError, type SessionStore } from '../../index.ts'
import { allPlaces, type Place, type Pointer, placeOf, recordAt, writesAt } from './places.ts'
import { type CheckpointRecord, latestOf, namespaceOf, own, type ThreadState } from './thread-state.ts'
import { mergeWrites, NO_WRITES, type Writes } from './writes.ts'

/** What a thread is read from. */
export type PastStore = Pick<SessionStore<unknown>, 'stateAt'>

/** One checkpoint's place in a thread. */
export interface CheckpointKey {
  readonly namespace: string
  readonly id: string
}

/** A thread as it was at one moment: its current checkpoints from memory, all others from the log. */
export class Thread {
  readonly #store: PastStore
  readonly #session: string
  readonly #state: ThreadState
  /** The last state that was read from the log: a checkpoint and its writes mostly lie in one. */
  #last: { readonly key: string; readonly state: Promise<ThreadState> } | undefined

  constructor(store: PastStore, session: string, state: ThreadState) {
    this.#store = store
    this.#session = session
    this.#state = state
  }

  /** The greatest id of a namespace: ids grow with time. */
  latest(namespace: string): string | undefined {
    return latestOf(namespaceOf(this.#state, namespace))
  }

  /** All checkpoints, in no order. */
  keys(): CheckpointKey[] {
    const names = ['', ...Object.keys(this.#state.subgraphs ?? {})]
    return names.flatMap(namespace => {
      const { checkpoint, older = {} } = namespaceOf(this.#state, namespace)
      const there = allPlaces(older).filter(([, place]) => recordAt(place) !== undefined)
      const ids = [...(checkpoint ? [checkpoint.id] : []), ...there.map(([id]) => id)]
      return ids.map(id => ({ namespace, id }))
    })
  }

  /** A namespace's current checkpoint, if that is the one. */
  current({ namespace, id }: CheckpointKey): CheckpointRecord | undefined {
    return currentOf(this.#state, { namespace, id })
  }

  /** Undefined where there is no such checkpoint; one that is there and can't be read is an error. */
  async record(key: CheckpointKey): Promise<CheckpointRecord | undefined> {
    const current = this.current(key)
    if (current !== undefined) return current
    const place = this.#place(key)
    const at = place === undefined ? undefined : recordAt(place)
    if (at === undefined) return undefined
    return currentOf(await this.#find(at, state => currentOf(state, key) !== undefined, key), key)
  }

  /** What tasks have written to a checkpoint, or to one that never came. */
  async writes(key: CheckpointKey): Promise<Writes> {
    const { checkpoint, earlier = [] } = namespaceOf(this.#state, key.namespace)
    const place = this.#place(key)
    const pointers = checkpoint?.id === key.id ? earlier : place === undefined ? [] : writesAt(place)
    let all = NO_WRITES
    for (const pointer of pointers) {
      const state = await this.#find(pointer, state => writesIn(state, key) !== undefined, key)
      all = mergeWrites(all, writesIn(state, key)!)
    }
    return mergeWrites(all, writesIn(this.#state, key) ?? NO_WRITES)
  }

  #place({ namespace, id }: CheckpointKey): Place | undefined {
    return placeOf(namespaceOf(this.#state, namespace).older, id)
  }

  /** The state that a pointer points to, where that holds what is looked for. */
  async #find(
    pointer: Pointer,
    holds: (state: ThreadState) => boolean,
    key: CheckpointKey,
  ): Promise<ThreadState> {
    const [version = '', ...rest] = String(pointer).split('@')
    const named = rest.length === 0 ? this.#state.langgraph.session : rest.join('@')
    let cause: unknown
    // A session that was imported under another id has its versions itself.
    for (const session of new Set([named, this.#session])) {
      try {
        const state = await this.#read(session, Number(version))
        if (state?.langgraph !== undefined && holds(state)) return state
      } catch (error) {
        if (!isAbsent(error)) throw error
        cause = error
      }
    }
    const message = `Checkpoint '${key.id}' of session '${this.#session}' is not at version ${version} of '${named}'`
    const details = { sessionId: named, version: Number(version), cause }
    throw new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message, details)
  }

  #read(session: string, version: number): Promise<ThreadState> {
    const key = `${version}@${session}`
    if (this.#last?.key !== key)
      this.#last = { key, state: this.#store.stateAt(session, { version }) as Promise<ThreadState> }
    return this.#last.state
  }
}

function currentOf(state: ThreadState, { namespace, id }: CheckpointKey): CheckpointRecord | undefined {
  const space = namespaceOf(state, namespace)
  return space.checkpoint?.id === id ? (space as CheckpointRecord) : undefined
}

/** What a state has of a checkpoint's writes; undefined where it has nothing of that checkpoint. */
function writesIn(state: ThreadState, { namespace, id }: CheckpointKey): Writes | undefined {
  const { checkpoint, writes = NO_WRITES, early } = namespaceOf(state, namespace)
  if (checkpoint?.id === id) return writes
  const { late } = state
  return late?.namespace === namespace && late.id === id ? late.writes : own(early, id)
}

function isAbsent(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'SESSIONLOG_VERSION_NOT_FOUND' || code === 'SESSIONLOG_SESSION_NOT_FOUND'
}
