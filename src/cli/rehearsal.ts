import { createHash } from 'node:crypto'
import { hasCode } from '../errors.ts'
import { SessionlogError } from '../index.ts'
import { stringifyState } from '../state/tagged-json.ts'
import { equal } from '../state/values.ts'
import type { Store } from './context.ts'
import type { ImportLine } from './import-line.ts'

/** Thrown by the recipe of an edit that is not to happen. */
const REHEARSED = Symbol('rehearsed')

/** Finds out whether the store would take a line, without writing it. */
export class Rehearsal {
  readonly #store: Store | undefined
  /** What the lines so far say under each event id. */
  readonly #contents = new Map<string, string>()

  /** `store` is undefined where there is none yet, which holds nobody to anything. */
  constructor(store: Store | undefined) {
    this.#store = store
  }

  async check(line: ImportLine): Promise<void> {
    if (line.options.eventId !== undefined) this.#checkEventId(line, line.options.eventId)
    if (this.#store !== undefined) await rehearse(this.#store, line)
  }

  #checkEventId({ session, state, options: { type, data } }: ImportLine, eventId: string): void {
    const key = `${session}\0${eventId}`
    const said = stringifyState([type, data, state])
    const content = createHash('sha256').update(said).digest('base64')
    if ((this.#contents.get(key) ?? content) !== content) throw reused(session, eventId)
    this.#contents.set(key, content)
  }
}

/**
 * An edit is held to the store's policies and to its event ids before its recipe runs, and a recipe that throws changes
 * nothing. The recipe of one with a known event id does not run: then its state has to be the recorded one.
 */
async function rehearse(store: Store, { session, state, options }: ImportLine): Promise<void> {
  try {
    const edit = store.edit(
      session,
      () => {
        throw REHEARSED
      },
      options,
    )
    const { version } = await edit
    if (!equal(await store.stateAt(session, { version }), state)) throw reused(session, options.eventId!)
  } catch (error) {
    if (error !== REHEARSED && !hasCode(error, 'SESSIONLOG_SESSION_NOT_FOUND')) throw error
  }
}

function reused(sessionId: string, eventId: string): SessionlogError {
  const message = `Event id '${eventId}' of session '${sessionId}' came before with other content`
  return new SessionlogError('SESSIONLOG_EVENT_ID_REUSED', message, { sessionId })
}
