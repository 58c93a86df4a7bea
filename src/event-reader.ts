import type { Observable } from 'rxjs'
import {
  checkAudit,
  checkBisect,
  checkEvents,
  checkHistory,
  checkNumber,
  checkOptions,
  checkPoint,
  checkPointer,
  checkReplayOptions,
  pointOf,
  wrong,
} from './arguments.ts'
import type { RecordedEvent } from './event.ts'
import type { AuditOptions } from './projection/audit.ts'
import type { BisectOptions, Found, Verdict } from './projection/bisect.ts'
import type { Blame, ValueBlame } from './projection/blame.ts'
import type { CheckOptions, Reducer, ReplayCheck } from './projection/check-replay.ts'
import type { EventsOptions, HistoryOptions } from './projection/history.ts'
import type { Lineage } from './projection/lineage.ts'
import type { Past, Recorded } from './projection/past.ts'
import type { ReplayOptions, ReplayStep } from './projection/replay.ts'
import type { Point } from './projection/time-travel.ts'
import type { Changes } from './state/changes.ts'
import type { Immutable } from './state/values.ts'

/** What a bisection found: the event, what it changed, and the state on both sides of it. */
export type Bisection<State> = Found & ReplayStep<State>

/** Says of a state, and the event that made it, whether what is looked for is already so. */
export type Predicate<State> = (state: Immutable<State>, event: RecordedEvent) => Verdict | Promise<Verdict>

/**
 * What can be asked of sessions and their events, in a store or in a bundle. Every question about events waits for what
 * was saved before it.
 */
export abstract class EventReader<State> {
  readonly #past: Past

  constructor(past: Past) {
    this.#past = past
  }

  /** The random id of the store: versions and positions mean something only together with it. */
  abstract get origin(): string
  /** The position of the last acknowledged event; 0 where there is none. In a bundle as it was in the store. */
  abstract get position(): number
  /** The state, deeply immutable; undefined where there is none. */
  abstract get(id: string): Immutable<State> | undefined
  /** Whether the session has a state. */
  abstract has(id: string): boolean
  /** The version of the session's last event, a delete included; 0 where it never existed. */
  abstract version(id: string): number
  /** The version of the session's first event: 1 in a store, later in a bundle of a part of it; 0 where it never existed. */
  abstract firstVersion(id: string): number
  /** The ids of all sessions that have a state. */
  abstract ids(): IterableIterator<string>
  /** How many sessions have a state. */
  abstract get size(): number

  /** The session of that id, also one that never was. Fails on a wrong id, and where nothing can be read any more. */
  protected abstract recorded(id: string): Recorded
  /** Fails where nothing can be read any more. */
  protected abstract assertReadable(): void

  /** A session's events, oldest first. */
  async *history(id: string, options: HistoryOptions = {}): AsyncGenerator<RecordedEvent, void, undefined> {
    yield* this.#past.history(this.recorded(id), checkHistory(options))
  }

  /** Every session's events, in commit order. One that has not caught up when the store closes rejects. */
  async *events(options: EventsOptions = {}): AsyncGenerator<RecordedEvent, void, undefined> {
    this.assertReadable()
    yield* this.#past.events(checkEvents(options))
  }

  /** The events of all sessions, or of some, that fit the options, in commit order. */
  async *audit(options: AuditOptions = {}): AsyncGenerator<RecordedEvent, void, undefined> {
    this.assertReadable()
    const { sessions, ...filter } = checkAudit(options)
    yield* this.#past.audit(
      sessions?.map(id => this.recorded(id)),
      filter,
    )
  }

  /**
   * The state at a version, a time, or a position of the store; undefined where there was none.
   * `SESSIONLOG_VERSION_NOT_FOUND` beyond the last version or position.
   */
  async stateAt(id: string, point: Point): Promise<Immutable<State> | undefined> {
    return this.#past.stateAt(this.recorded(id), checkPoint(point)) as Promise<Immutable<State> | undefined>
  }

  /** What makes the state at one point out of that at another; numbers are versions. `toJsonPatch` gives RFC 6902. */
  async diff(
    id: string,
    from: number | Point,
    to: number | Point,
    options: { signal?: AbortSignal } = {},
  ): Promise<Changes> {
    checkOptions(options, ['signal'])
    return this.#past.diff(this.recorded(id), pointOf(from), pointOf(to), options.signal)
  }

  /**
   * The first event at which the predicate became true, by halving between `good` and `bad`. It is not asked where
   * there is no state: that counts as false. `SESSIONLOG_BISECT_REFUSED` where an end is not what it should be.
   */
  async bisect(
    id: string,
    predicate: Predicate<State>,
    options: BisectOptions = {},
  ): Promise<Bisection<State>> {
    checkBisect(predicate, options)
    return this.#past.bisect(this.recorded(id), predicate as Predicate<unknown>, options) as Promise<
      Bisection<State>
    >
  }

  /** The session's events one by one with the states around them, at the pace at which they were recorded or faster. */
  replay(id: string, options: ReplayOptions = {}): Observable<ReplayStep<State>> {
    checkReplayOptions(options)
    return this.#past.replay(this.recorded(id), options) as Observable<ReplayStep<State>>
  }

  /**
   * Runs a reducer over the session's events and compares each state that it makes with the one that was recorded, to
   * the last bit: also the order of keys.
   * Events of the store's own (`$…`) are passed over. Stops at the first divergence, which it answers with.
   */
  async checkReplay(
    id: string,
    reducer: Reducer<State>,
    options: CheckOptions = {},
  ): Promise<ReplayCheck<State>> {
    if (typeof reducer !== 'function') throw wrong('reducer must be a function', 'reducer')
    checkOptions(options, ['until', 'signal'])
    checkNumber(options, 'until', 0)
    const session = this.recorded(id)
    return this.#past.checkReplay(session, reducer as Reducer<unknown>, options) as Promise<
      ReplayCheck<State>
    >
  }

  /** The sessions that this one was forked from, and those forked from it. `SESSIONLOG_SESSION_NOT_FOUND`. */
  async lineage(id: string): Promise<Lineage> {
    return this.#past.lineage(this.recorded(id))
  }

  /**
   * Who set what. With a JSON Pointer the events that changed the value there, oldest first: an element is followed
   * to where it lay before others came or went. Without one, of each leaf of the state, by its pointer, the event
   * that set it last. The places are those of the states as they were recorded, whatever `upcast` makes of them.
   */
  blame(id: string, pointer: string, point?: Point): AsyncGenerator<ValueBlame, void, undefined>
  blame(id: string, pointer?: undefined, point?: Point): Promise<Map<string, Blame>>
  blame(
    id: string,
    pointer?: string,
    point?: Point,
  ): AsyncGenerator<ValueBlame, void, undefined> | Promise<Map<string, Blame>> {
    return pointer === undefined ? this.#blameLeaves(id, point) : this.#blameValue(id, pointer, point)
  }

  async #blameLeaves(id: string, point: Point | undefined): Promise<Map<string, Blame>> {
    return this.#past.blameAll(this.recorded(id), point && checkPoint(point))
  }

  async *#blameValue(id: string, pointer: string, point: Point | undefined) {
    yield* this.#past.blame(this.recorded(id), checkPointer(pointer), point && checkPoint(point))
  }
}
