import { type Base, decodeBase } from '../log/base.ts'
import { NO_HASH } from '../log/chain.ts'
import type { EventLog, LogRecord } from '../log/port.ts'
import { LogReader } from '../log/reader.ts'
import { type RawEvent, readRecord } from '../log/record.ts'
import { baseState } from '../projection/stored-state.ts'
import { stateAtVersion } from '../projection/time-travel.ts'
import type { Finds, FoundSession } from './finds.ts'
import { readFound, type SnapshotHead } from './found-snapshots.ts'
import type { OnFileDamage } from './level-files.ts'
import { Ranges, type SessionLoss } from './losses.ts'
import type { FoundState, Remade, RemadeSession } from './remade.ts'
import type { TrustedLog } from './trusted-log.ts'

/** What the sessions are saved from. */
export interface Salvaging {
  readonly finds: Finds
  readonly scratch: EventLog
  readonly trusted: TrustedLog
  readonly snapshots: ReadonlyMap<string, SnapshotHead>
  readonly onDamage: OnFileDamage
  readonly signal: AbortSignal | undefined
}

/**
 * Saves what of the sessions lies behind the log that can be trusted: each event whose state is known, and where there is
 * none the state that a base or a snapshot has. Answers with what is lost.
 */
export async function salvageSessions(from: Salvaging, remade: Remade): Promise<SessionLoss[]> {
  const losses: SessionLoss[] = []
  const bases = await basesIn(from)
  for (const id of new Set([...from.finds.sessions.keys(), ...from.snapshots.keys()])) {
    from.signal?.throwIfAborted()
    const snapshot = from.snapshots.get(id)
    if (snapshot !== undefined) from.finds.hear(snapshot.position, id, snapshot.version)
    const session = from.finds.session(id)
    const kept = keptVersions(session, from)
    if (kept === session.last) {
      remadeExpiry(id, kept, kept, from, remade)
      continue
    }
    const salvaged = new SalvagedSession(id, session, kept, from)
    const loss = await salvaged.run(remade, [
      stateOfBase(bases.get(id), from),
      snapshot && (await stateOf(snapshot, from)),
    ])
    if (loss !== undefined) losses.push(loss)
  }
  await remade.flush()
  return losses
}

/** Up to which version the session is in the log that can be trusted. */
function keptVersions({ positions, hashes }: FoundSession, { finds, trusted }: Salvaging): number {
  let version = 0
  while (
    positions[version] !== undefined &&
    positions[version]! <= trusted.position &&
    finds.leaves[positions[version]! - 1] === hashes[version]
  )
    version++
  return version
}

/** Of the sessions that need them; their states stay bytes. */
async function basesIn({ scratch, trusted }: Salvaging): Promise<Map<string, Base>> {
  const bases = new Map<string, Base>()
  for await (const page of scratch.bases()) {
    for (const stored of page) {
      const base = decodeBase(stored)
      if (base.position > trusted.position) bases.set(base.sessionId, base)
    }
  }
  return bases
}

function stateOfBase(base: Base | undefined, { finds }: Salvaging): FoundState | undefined {
  return base && { ...base, state: baseState(base), origin: finds.origin ?? '', source: 'base' }
}

async function stateOf(head: SnapshotHead, { onDamage }: Salvaging): Promise<FoundState | undefined> {
  const snapshot = await readFound(head, onDamage)
  return snapshot && { ...snapshot, source: 'snapshot' }
}

/** A touch is of a version: later events go before it. */
function remadeExpiry(id: string, version: number, last: number, { finds }: Salvaging, remade: Remade): void {
  const expiry = finds.expiries.get(id)
  if (expiry?.version === last && version > 0) remade.also({ op: 'expiry', ...expiry, version })
}

class SalvagedSession {
  readonly #id: string
  readonly #found: FoundSession
  readonly #kept: number
  readonly #from: Salvaging
  readonly #lost = new Ranges()
  readonly #states: number[] = []
  /** The last version of which the new store has the state. */
  #saved: number

  constructor(id: string, found: FoundSession, kept: number, from: Salvaging) {
    this.#id = id
    this.#found = found
    this.#kept = kept
    this.#from = from
    this.#saved = kept
  }

  async run(remade: Remade, known: readonly (FoundState | undefined)[]): Promise<SessionLoss | undefined> {
    const { last } = this.#found
    const states = this.#trusted(known)
    const { state } = await stateAtVersion(new LogReader(this.#from.scratch), this.#id, this.#kept)
    const session = remade.session(this.#id, this.#kept, this.#lastHash(), state)
    let next = this.#kept + 1
    for await (const event of this.#events()) {
      for (; next < event.version; next++) await this.#missing(session, next, states)
      await this.#event(session, event, states)
      next++
    }
    for (; next <= last; next++) await this.#missing(session, next, states)
    remadeExpiry(this.#id, session.version, this.#saved, this.#from, remade)
    const sessionId = this.#id
    if (this.#lost.list.length === 0) return undefined
    return { sessionId, lost: this.#lost.list, states: this.#states, last, saved: this.#saved }
  }

  async #event(
    session: RemadeSession,
    event: RawEvent,
    states: ReadonlyMap<number, FoundState>,
  ): Promise<void> {
    if (await session.event(event, states.get(event.version))) this.#saved = event.version
    else this.#lost.add(event.version)
  }

  async #missing(
    session: RemadeSession,
    version: number,
    states: ReadonlyMap<number, FoundState>,
  ): Promise<void> {
    this.#lost.add(version)
    const found = states.get(version)
    if (found === undefined) return session.skip()
    await session.state(found)
    this.#states.push(version)
    this.#saved = version
  }

  /** By version. One that says something else than the event of that version is none of these. */
  #trusted(known: readonly (FoundState | undefined)[]): Map<number, FoundState> {
    const states = new Map<number, FoundState>()
    for (const state of known) {
      if (state === undefined || states.has(state.version)) continue
      const hash = this.#found.hashes[state.version - 1]
      const said = Buffer.from(state.hash, 'hex').toString('latin1')
      if (hash === undefined || hash === said) states.set(state.version, state)
      else
        this.#from.onDamage({
          path: `the ${state.source} of '${this.#id}'`,
          what: 'it is not of the event that was found',
        })
    }
    return states
  }

  #lastHash(): string {
    const hash = this.#found.hashes[this.#kept - 1]
    return hash === undefined ? NO_HASH : Buffer.from(hash, 'latin1').toString('hex')
  }

  /** Those that were found behind what can be trusted. */
  async *#events(): AsyncGenerator<RawEvent, void, undefined> {
    const range = { from: this.#kept + 1, to: this.#found.last, signal: this.#from.signal }
    for await (const page of this.#from.scratch.read(this.#id, range))
      for (const record of page as readonly LogRecord[]) {
        const [event] = readRecord(record)
        if (event!.version > this.#kept) yield event!
      }
  }
}
