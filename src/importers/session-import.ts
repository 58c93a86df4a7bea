import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { checkId } from '../arguments.ts'
import { hasCode } from '../errors.ts'
import type { WriteOptions } from '../index.ts'
import { reconcile } from '../state/reconcile.ts'
import { stringifyState } from '../state/tagged-json.ts'
import type { Aside, ForeignRecord, ForeignSession } from './foreign-session.ts'
import type { ImportSessionsOptions } from './import-options.ts'
import type { ImportTally } from './import-tally.ts'
import { SaveWindow } from './save-window.ts'
import { expiryOf, sessionState } from './session-state.ts'

/** What every imported event is called, and what its id begins with. */
const IMPORTED = 'imported'
const IMPORT_ID = 'import:'

type State = Readonly<Record<string, unknown>>

/** A session as it is to be saved. */
interface Arrival extends ForeignSession {
  readonly expiresAt: number
  readonly place: string
  readonly state: State
  /** The same for the same session with the same content, wherever it stood. */
  readonly eventId: string
}

/** Takes one record after the other. A record that is not taken concerns no other. */
export class SessionImport {
  readonly #options: ImportSessionsOptions
  readonly #tally: ImportTally
  readonly #window = new SaveWindow()
  /** Of a dry run, in which nothing can be looked up: what would be there by now. */
  readonly #rehearsed = new Map<string, string>()

  constructor(options: ImportSessionsOptions, tally: ImportTally) {
    this.#options = options
    this.#tally = tally
  }

  async take(record: ForeignRecord): Promise<void> {
    const { place, bytes } = record
    try {
      const read = record.read()
      if (isAside(read)) this.#tally.problem({ kind: 'ignored', place, reason: read.aside })
      else await this.#arrive(read, place, bytes)
    } catch (error) {
      this.#refuse(place, error)
    }
  }

  /** Waits for all that is under way. */
  finish(): Promise<void> {
    return this.#window.drain()
  }

  async #arrive(session: ForeignSession, place: string, bytes: number): Promise<void> {
    const { sid } = session
    const expiresAt = expiryOf(session)
    checkId(sid, 'the id of the session')
    const state = reconcile(undefined, sessionState(session)).state as State
    if (expiresAt <= Date.now() && !this.#options.keepExpired) return this.#tally.count('expired')
    const arrival = { ...session, expiresAt, place, state, eventId: idOf(this.#options.from, state) }
    const version = this.#options.store?.version(sid) ?? 0
    const standing = version === 0 ? this.#rehearsal(arrival) : await this.#standing(arrival)
    if (standing === 'alreadyThere') return this.#tally.count('alreadyThere')
    if (standing !== 'new') return this.#conflict(arrival, standing.conflict)
    if (!this.#options.dryRun) return this.#save(arrival, version, bytes)
    this.#rehearsed.set(sid, arrival.eventId)
    this.#tally.count('imported')
  }

  /** What a record finds that came before it, of the same session. */
  #rehearsal({ sid, eventId }: Arrival): Standing {
    const before = this.#rehearsed.get(sid)
    if (before === undefined) return 'new'
    if (before === eventId) return 'alreadyThere'
    return this.#options.overwrite ? 'new' : OTHER
  }

  async #standing(arrival: Arrival): Promise<Standing> {
    const store = this.#options.store!
    const { sid, state, eventId } = arrival
    const there = store.get(sid)
    if (there !== undefined && isDeepStrictEqual(there, state)) return 'alreadyThere'
    for await (const event of store.history(sid)) if (event.eventId === eventId) return 'alreadyThere'
    if (there === undefined) return ENDED
    return this.#options.overwrite ? this.#rehearsal(arrival) : OTHER
  }

  async #save(arrival: Arrival, version: number, bytes: number): Promise<void> {
    const { sid, state, expiresAt, occurredAt, place, eventId } = arrival
    const { store, from, actor = 'import' } = this.#options
    const options: WriteOptions = {
      actor,
      reason: `imported from ${from}, ${place}`,
      type: IMPORTED,
      data: { from, place },
      eventId,
      expectedVersion: version,
      expiresAt,
      ...(occurredAt !== undefined && { occurredAt }),
    }
    await this.#window.add(bytes, () =>
      store!.save(sid, state, options).then(
        ({ deduplicated }) => this.#tally.count(deduplicated ? 'alreadyThere' : 'imported'),
        error => {
          // The app was first.
          if (hasCode(error, 'SESSIONLOG_VERSION_CONFLICT')) this.#conflict(arrival, OTHER.conflict)
          else if (hasCode(error, 'SESSIONLOG_OVERLOADED')) throw error
          else this.#refuse(place, error)
        },
      ),
    )
  }

  #conflict({ place, sid }: Arrival, reason: string): void {
    this.#tally.problem({ kind: 'conflict', place, sessionId: sid, reason })
  }

  /** Anything but a refusal is no matter of the record, and ends the import. */
  #refuse(place: string, error: unknown): void {
    if (!hasCode(error) || FATAL.some(code => hasCode(error, code))) throw error
    const { message, sessionId } = error as { message: string; sessionId?: string }
    this.#tally.problem({ kind: 'refused', place, ...(sessionId && { sessionId }), reason: message })
  }
}

type Standing = 'new' | 'alreadyThere' | { readonly conflict: string }

const OTHER = { conflict: 'the store has a session of that id with other content' }
const ENDED = { conflict: 'the store had a session of that id, and it has ended' }

const FATAL = ['SESSIONLOG_IO_ERROR', 'SESSIONLOG_NOT_OPEN', 'SESSIONLOG_CORRUPTION'] as const

function isAside(read: ForeignSession | Aside): read is Aside {
  return 'aside' in read
}

function idOf(from: string, state: unknown): string {
  return `${IMPORT_ID}${from}:${createHash('sha256').update(stringifyState(state)).digest('hex')}`
}
