import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordedEvent, SessionStore } from '../../src/index.ts'
import { apply } from '../../src/state/apply.ts'
import { equal } from '../../src/state/values.ts'
import type { Chance } from './damage.ts'
import { digestOf, type KnownWrite, type Mark } from './killed-child.ts'

/** A receipt that reached the outside. */
export interface Acked {
  readonly sessionId: string
  readonly version: number
  readonly position: number
  readonly hash: string
}

interface Head {
  readonly version: number
  readonly hash: string
  readonly state: unknown
}

const NEW: Head = { version: 0, hash: '0'.repeat(64), state: undefined }

/** What is known of a store from the outside, and whether the store says the same. */
export class Ledger {
  /** Acknowledged writes with an event id, by it. */
  readonly known: KnownWrite[] = []
  /** Events that were found and that nobody had been told of. */
  surplus = 0
  readonly #heads = new Map<string, Head>()
  readonly #hashes = ['']
  #acked: Acked[] = []
  #recordedAt = 0
  readonly #eventIds = new Set<string>()

  get position(): number {
    return this.#hashes.length - 1
  }

  add(acked: readonly Acked[]): void {
    this.#acked.push(...acked)
  }

  /** Whether this very event was found. */
  has({ position, hash }: Acked): boolean {
    return this.#hashes[position] === hash
  }

  /** Compares all that can be read with all that is known; throws at the first difference. */
  async check(store: SessionStore<unknown>, dir: string, chance: Chance): Promise<void> {
    const fresh: RecordedEvent[] = []
    for await (const event of store.events({ after: this.position })) fresh.push(event)
    for (const event of fresh) this.#take(event)
    checkTogether(fresh)
    this.#checkAcked(fresh)
    this.#checkStates(store)
    await this.#checkPast(store, chance)
    const { ok, problems, snapshots } = await store.verify()
    must(ok, `verify() found ${JSON.stringify(problems.slice(0, 3))}`)
    const files = readdirSync(join(dir, 'sessions_v3'))
    must(files.length === snapshots, `of the files ${files.join(', ')} only ${snapshots} are snapshots`)
  }

  /** The next event: no gap, linked to the one before, and its changes make the state that its writer meant. */
  #take(event: RecordedEvent): void {
    const { sessionId, version, position, changes, hash, previousHash, recordedAt } = event
    const head = this.#heads.get(sessionId) ?? NEW
    const name = `version ${version} of '${sessionId}' at position ${position}`
    must(position === this.#hashes.length, `${name} follows position ${this.position}`)
    must(version === head.version + 1, `${name} follows version ${head.version}`)
    must(previousHash === head.hash, `${name} is not linked to the one before`)
    must(recordedAt >= this.#recordedAt, `${name} goes back in time`)
    const state = apply(changes, head.state)
    const { digest } = (event.data ?? {}) as Mark
    must(
      digest === undefined ? state === undefined : digestOf(state) === digest,
      `${name} makes another state`,
    )
    const key = `${sessionId}\0${event.eventId}`
    must(event.eventId === undefined || !this.#eventIds.has(key), `${name} repeats an event id`)
    this.#eventIds.add(key)
    this.#heads.set(sessionId, { version, hash, state })
    this.#hashes.push(hash)
    this.#recordedAt = recordedAt
  }

  #checkAcked(fresh: readonly RecordedEvent[]): void {
    const eventIds = new Map(fresh.map(event => [event.position, event]))
    for (const { sessionId, version, position, hash } of this.#acked) {
      const event = eventIds.get(position)
      const name = `version ${version} of '${sessionId}' at position ${position}`
      must(this.#hashes[position] === hash, `${name} was acknowledged and is gone`)
      if (event === undefined) continue
      must(event.sessionId === sessionId && event.version === version, `${name} is another event now`)
      if (event.eventId === undefined) continue
      this.known.push({ id: sessionId, version, hash, eventId: event.eventId, data: event.data })
    }
    this.surplus += fresh.length - this.#acked.length
    this.#acked = []
  }

  #checkStates(store: SessionStore<unknown>): void {
    for (const [id, { version, state }] of this.#heads) {
      must(store.version(id) === version, `version('${id}') is ${store.version(id)}, not ${version}`)
      must(equal(store.get(id), state), `get('${id}') is not what its history makes`)
      must(store.has(id) === (state !== undefined), `has('${id}') is ${store.has(id)}`)
    }
    const ids = [...store.ids()]
    const live = [...this.#heads].filter(([, { state }]) => state !== undefined)
    must(ids.length === live.length && store.size === live.length, `there are ${ids.length} sessions`)
  }

  /** One session's whole history, which makes its state, and one version in the middle of it. */
  async #checkPast(store: SessionStore<unknown>, chance: Chance): Promise<void> {
    if (this.#heads.size === 0) return
    const [id, head] = chance.of([...this.#heads])
    const middle = 1 + chance.below(head.version)
    let state: unknown
    let last = 0
    for await (const event of store.history(id)) {
      must(event.version === ++last, `history('${id}') has version ${event.version} after ${last - 1}`)
      state = apply(event.changes, state)
      if (last === middle)
        must(
          equal(await store.stateAt(id, { version: middle }), state),
          `stateAt('${id}', ${middle}) differs`,
        )
    }
    must(last === head.version && equal(state, head.state), `history('${id}') does not make its state`)
  }
}

/** What was written together is there whole, side by side. */
function checkTogether(events: readonly RecordedEvent[]): void {
  const groups = new Map<string, RecordedEvent[]>()
  for (const event of events) {
    const { correlationId } = event
    if (correlationId === undefined) continue
    if (!groups.has(correlationId)) groups.set(correlationId, [])
    groups.get(correlationId)!.push(event)
  }
  for (const [id, group] of groups) {
    const { together } = group[0]!.data as Mark
    const spread = group[group.length - 1]!.position - group[0]!.position + 1
    must(
      group.length === together && spread === together,
      `of commit ${id} there are ${group.length}/${together}`,
    )
  }
}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
