import { checkId, checkWriteOptions, wrong } from './arguments.ts'
import { type Answer, type Duplicates, keyOf } from './duplicates.ts'
import type { Edit, Recipe } from './edit.ts'
import { VersionConflictError } from './errors.ts'
import type { Durability, Receipt, WriteOptions } from './event.ts'
import type { Intent, Standing } from './intent.ts'
import type { Append } from './log/commit.ts'
import type { Answered } from './log/writer.ts'
import { Session } from './projection/session.ts'
import { receiptFrom } from './receipt.ts'
import type { Recorder } from './recorder.ts'
import { excuse } from './settle.ts'

/** One of several writes that happen together. Its own options go before those of all. */
export type BatchItem<State> = WriteOptions &
  ({ id: string; state: State } | { id: string; edit: Edit<State> } | { id: string; delete: true })

export interface BatchParts<State> {
  readonly recorder: Recorder<State>
  readonly receiptAt: (session: Session, version: number) => Promise<Receipt>
  readonly duplicates: Duplicates
  readonly durability: () => Durability
}

/**
 * Prepares every item on what the ones before it would make, then writes all of them in one commit. Where some
 * came before, by their event ids, nothing is changed until the log has been asked whether they are the same.
 */
export function writeBatch<State>(
  parts: BatchParts<State>,
  find: (id: string) => Session | undefined,
  items: readonly BatchItem<State>[],
  shared: WriteOptions,
): Promise<Receipt[]> {
  if (!Array.isArray(items)) throw wrong('saveAll() takes an array', 'items')
  checkWriteOptions(shared)
  const plan = new Plan(find)
  const results = items.map((item, index): Append | Answer => {
    const { id, intent, options } = readItem(item, index, shared)
    const session = plan.session(id, options.eventId, index)
    const standing = plan.standing(session)
    const prepared = parts.recorder.prepare(session, intent, options, standing)
    if (prepared === undefined) {
      const { version } = standing
      return { receipt: () => parts.receiptAt(session, version), unproven: false }
    }
    return 'answer' in prepared ? prepared.answer : plan.add(prepared.append, prepared.bytes)
  })
  const unproven = results.filter(each => 'unproven' in each && each.unproven) as Answer[]
  if (plan.appends.length === 0 || unproven.length === 0) return writePlan(parts, plan, results)
  const proof = Promise.all(unproven.map(each => each.receipt()))
  return excuse(proof.then(() => writePlan(parts, plan, results)))
}

function writePlan<State>(
  { recorder, duplicates, durability }: BatchParts<State>,
  plan: Plan,
  results: readonly (Append | Answer)[],
): Promise<Receipt[]> {
  plan.checkUntouched()
  const receipts = (answer?: Answered) => {
    let index = 0
    return Promise.all(
      results.map(each =>
        'unproven' in each ? each.receipt() : receiptFrom(each, durability(), answer, index++),
      ),
    )
  }
  if (plan.appends.length === 0) return receipts()
  const written = recorder.write<Receipt[]>(plan.appends, plan.bytes, receipts)
  for (const append of plan.appends) {
    if (append.facts.eventId !== undefined)
      duplicates.note(
        append,
        written.then(receipts => receipts[results.indexOf(append)]!),
      )
  }
  return written
}

/** What the items read so far would make of the sessions. */
export class Plan {
  readonly appends: Append[] = []
  bytes = 0
  readonly #find: (id: string) => Session | undefined
  readonly #sessions = new Map<
    string,
    { readonly session: Session; readonly version: number; last?: Append }
  >()
  readonly #eventIds = new Set<string>()

  constructor(find: (id: string) => Session | undefined) {
    this.#find = find
  }

  session(id: string, eventId: string | undefined, index: number): Session {
    let entry = this.#sessions.get(id)
    if (entry === undefined) {
      const session = this.#find(id) ?? new Session(id)
      entry = { session, version: session.version }
      this.#sessions.set(id, entry)
    }
    if (eventId === undefined) return entry.session
    const key = keyOf(id, eventId)
    if (this.#eventIds.has(key)) {
      throw wrong(`Two items of session '${id}' have the event id '${eventId}'`, `items/${index}/eventId`)
    }
    this.#eventIds.add(key)
    return entry.session
  }

  standing(session: Session): Standing {
    const last = this.#sessions.get(session.id)?.last
    if (last === undefined) return session
    const { version, state, facts } = last
    return { version, state, exists: state !== undefined, schemaVersion: facts.schemaVersion ?? 0 }
  }

  add(append: Append, bytes: number): Append {
    this.#sessions.get(append.sessionId)!.last = append
    this.appends.push(append)
    this.bytes += bytes
    return append
  }

  /** A recipe of one item may have saved the session of another meanwhile, or anybody while the log was read. */
  checkUntouched(): void {
    for (const [id, { version }] of this.#sessions) {
      const now = this.#find(id)?.version ?? 0
      if (now !== version) throw new VersionConflictError(id, version, now)
    }
  }
}

function readItem<State>(item: BatchItem<State>, index: number, shared: WriteOptions) {
  const path = `items/${index}`
  if (typeof item !== 'object' || item === null) throw wrong('An item must be an object', path)
  const {
    id,
    state,
    edit,
    delete: deleted,
    ...own
  } = item as WriteOptions & Record<'id' | 'state' | 'edit' | 'delete', unknown>
  checkId(id, `${path}/id`)
  checkWriteOptions(own)
  const given = ['state', 'edit', 'delete'].filter(name => Object.hasOwn(item, name))
  if (given.length !== 1) throw wrong(`An item has one of state, edit and delete, not ${given.length}`, path)
  if (given[0] === 'edit' && typeof edit !== 'function')
    throw wrong('edit must be a function', `${path}/edit`)
  if (given[0] === 'delete' && deleted !== true) throw wrong('delete must be true', `${path}/delete`)
  const intent: Intent =
    given[0] === 'edit'
      ? { kind: 'edit', recipe: edit as Recipe }
      : given[0] === 'delete'
        ? { kind: 'delete' }
        : { kind: 'save', state }
  return { id, intent, options: { ...shared, ...own } }
}
