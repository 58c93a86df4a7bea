import { notHere, notRetained, SessionlogError, sessionNotFound, versionNotFound } from '../errors.ts'
import type { RecordedEvent } from '../event.ts'
import { decodeEvent } from '../log/codec.ts'
import type { RawEvent } from '../log/record.ts'
import type { Changes } from '../state/changes.ts'
import { handOut, handOutChanges } from '../state/exotic.ts'
import { changesBetween } from '../state/reconcile.ts'
import { type AuditOptions, readAudit } from './audit.ts'
import { type BisectOptions, bisect, type Found, type Verdict } from './bisect.ts'
import { type Blame, blameLeaves, blameValue, type ValueBlame } from './blame.ts'
import { type CheckOptions, checkSteps, type Reducer } from './check-replay.ts'
import type { Versioned } from './fold.ts'
import { GuardedObservable, type OnThrow } from './guarded.ts'
import {
  type EventsOptions,
  type EventsParts,
  type HistoryOptions,
  readEvents,
  readHistory,
} from './history.ts'
import { type Forks, type Lineage, readLineage } from './lineage.ts'
import { paced, type ReplayOptions, type ReplayStep } from './replay.ts'
import { readSteps } from './steps.ts'
import { type Point, stateAtVersion, versionAt } from './time-travel.ts'
import type { Upcast } from './upcast.ts'

export interface PastParts extends EventsParts {
  readonly forks: Forks
  readonly upcast: Upcast
  /** Told of what a subscriber throws. */
  readonly onThrow: OnThrow
}

/** A session, and how much of it is acknowledged. */
export interface Recorded {
  readonly id: string
  readonly acknowledged: { readonly version: number }
}

/** What was: each question waits for the commits under way, so that what was just saved is there. */
export class Past {
  readonly #parts: PastParts

  constructor(parts: PastParts) {
    this.#parts = parts
  }

  async *history(session: Recorded, options: HistoryOptions): AsyncGenerator<RecordedEvent, void, undefined> {
    const head = await this.#head(session)
    this.#range(session, head, options)
    yield* readHistory(this.#parts.reader, session.id, head, options)
  }

  events(options: EventsOptions): AsyncGenerator<RecordedEvent, void, undefined> {
    return readEvents(this.#parts, options)
  }

  async *audit(
    sessions: readonly Recorded[] | undefined,
    options: Omit<AuditOptions, 'sessions'>,
  ): AsyncGenerator<RecordedEvent, void, undefined> {
    options.signal?.throwIfAborted()
    await this.#parts.writer.settled()
    const audited = sessions?.map(({ id, acknowledged }) => ({ id, head: acknowledged.version }))
    yield* readAudit(this.#parts, audited, options)
  }

  async stateAt(session: Recorded, point: Point): Promise<unknown> {
    const version = await this.#version(session, point)
    return this.#view(await this.#state(session, version, point.signal))
  }

  /** What makes the state at one point out of that at another. */
  async diff(session: Recorded, from: Point, to: Point, signal?: AbortSignal): Promise<Changes> {
    for (const each of [from.signal, to.signal, signal]) each?.throwIfAborted()
    const [before, after] = [await this.#version(session, from), await this.#version(session, to)]
    const old = this.#view(await this.#state(session, before, signal))
    return changesBetween(old, this.#view(await this.#state(session, after, signal)))
  }

  /** `ask` gets the state at a version and the event that made it; where there is no state it isn't asked: false. */
  async bisect(
    session: Recorded,
    ask: (state: unknown, event: RecordedEvent) => Verdict | Promise<Verdict>,
    { good, bad, skip = [], signal }: BisectOptions,
  ): Promise<Found & ReplayStep<unknown>> {
    const head = await this.#head(session)
    if (head === 0) throw sessionNotFound(session.id)
    const first =
      this.#range(session, head, { from: good === undefined ? undefined : good + 1, to: bad }).from - 1
    const last = bad ?? head
    for (const version of [first, last]) if (version > head) throw versionNotFound(session.id, version, head)
    const found = await bisect(
      async version => {
        signal?.throwIfAborted()
        if (version === 0) return false
        const state = this.#view(await this.#state(session, version, signal))
        if (state === undefined) return false
        const verdict = await ask(handOut(state), decodeEvent(await this.#event(session, version)))
        return verdict === 'skip' ? verdict : Boolean(verdict)
      },
      first,
      last,
      new Set(skip),
    )
    return { ...found, ...(await this.#step(session, found.version, signal)) }
  }

  replay(session: Recorded, { speed = Number.POSITIVE_INFINITY, scheduler, ...range }: ReplayOptions) {
    const { commits, onThrow } = this.#parts
    const steps = (signal: AbortSignal) => this.steps(session, { ...range, signal })
    // What a subscriber throws at one step must not keep it from the next.
    return GuardedObservable.from(paced(steps, speed, scheduler, commits.observable), onThrow)
  }

  async *steps(
    session: Recorded,
    {
      from,
      to,
      signal,
    }: { from?: number | undefined; to?: number | undefined; signal?: AbortSignal | undefined },
  ): AsyncGenerator<ReplayStep<unknown>, void, undefined> {
    const head = await this.#head(session)
    const range = { ...this.#range(session, head, { from, to }), signal }
    let before: unknown
    let first = true
    for await (const step of readSteps(this.#parts.reader, session.id, range)) {
      if (first) before = this.#view(step.before)
      first = false
      const after = this.#view(step.after)
      const changes = handOutChanges(step.event.changes)
      const event = Object.freeze({ ...step.event, changes })
      yield { event, before: handOut(before), after: handOut(after), changes }
      before = after
    }
  }

  async checkReplay(session: Recorded, reducer: Reducer<unknown>, { until, signal }: CheckOptions) {
    if ((await this.#head(session)) === 0) throw sessionNotFound(session.id)
    return checkSteps(this.steps(session, { to: until, signal }), reducer)
  }

  async *blame(
    session: Recorded,
    place: readonly string[],
    point?: Point,
  ): AsyncGenerator<ValueBlame, void, undefined> {
    yield* blameValue(this.#parts.reader, await this.#until(session, point), place)
  }

  async blameAll(session: Recorded, point?: Point): Promise<Map<string, Blame>> {
    return blameLeaves(this.#parts.reader, await this.#until(session, point))
  }

  async #until(session: Recorded, point: Point | undefined) {
    const head = await (point === undefined ? this.#head(session) : this.#version(session, point))
    return { sessionId: session.id, head, signal: point?.signal }
  }

  /** The state at a version that there is, and the hash of its event. */
  async stateAndHash(session: Recorded, version: number): Promise<{ state: unknown; hash: string }> {
    const state = await this.stateAt(session, { version })
    return { state, hash: (await this.#event(session, version)).hash }
  }

  async lineage(session: Recorded): Promise<Lineage> {
    if ((await this.#head(session)) === 0) throw sessionNotFound(session.id)
    const { reader, forks } = this.#parts
    if (!reader.begins(session.id)) throw notRetained(session.id, reader.extent(session.id).first)
    return readLineage(forks, reader, session.id)
  }

  async #step(session: Recorded, version: number, signal?: AbortSignal): Promise<ReplayStep<unknown>> {
    const steps = this.steps(session, { from: version, to: version, signal })
    return (await steps.next()).value as ReplayStep<unknown>
  }

  async #event(session: Recorded, version: number): Promise<RawEvent> {
    const events = await this.#parts.reader.record(session.id, version)
    return events[version - events[0]!.version]!
  }

  /** The versions that are asked for, of those that there are: a session ends where it ends, unless only we do. */
  #range(
    { id }: Recorded,
    head: number,
    { from, to = head }: { from?: number | undefined; to?: number | undefined },
  ): { from: number; to: number } {
    const { first, more } = this.#parts.reader.extent(id)
    const begin = from ?? first
    if (Math.max(begin, 1) < first || (to > 0 && to < first && first > 1)) throw notRetained(id, first)
    if (more && Math.max(begin, to) > head) throw notHere(id, head)
    return { from: Math.max(begin, 1), to: Math.min(to, head) }
  }

  async #version(session: Recorded, point: Point): Promise<number> {
    const { reader, writer } = this.#parts
    const head = await this.#head(session)
    if ('position' in point && point.position > writer.position)
      throw positionNotFound(point.position, writer.position)
    const version = 'version' in point ? point.version : await versionAt(reader, session.id, head, point)
    const { first, more } = reader.extent(session.id)
    if (version > head) throw more ? notHere(session.id, head) : versionNotFound(session.id, version, head)
    // Later events may have happened by then. By the callers' clocks any of them may.
    const mayBeLater = version === head || ('by' in point && point.by === 'occurred')
    if (more && !('version' in point) && mayBeLater) throw notHere(session.id, head)
    // Before all events there is no state, whatever is known of them.
    if (version > 0 && version < first - 1) throw notRetained(session.id, first)
    return version
  }

  #state(session: Recorded, version: number, signal: AbortSignal | undefined): Promise<Versioned> {
    return stateAtVersion(this.#parts.reader, session.id, version, signal)
  }

  /** In today's schema. */
  #view(state: Versioned): unknown {
    return this.#parts.upcast.make(state)
  }

  /** The session's acknowledged version, once what is under way is through. */
  async #head(session: Recorded): Promise<number> {
    await this.#parts.writer.settled()
    return session.acknowledged.version
  }
}

function positionNotFound(position: number, last: number): SessionlogError {
  const message = `The store has no position ${position}: its last is ${last}`
  return new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message)
}
