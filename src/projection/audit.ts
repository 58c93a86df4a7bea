import type { Actor, RecordedEvent } from '../event.ts'
import type { ReadableLog } from '../log/readable-log.ts'
import type { RawEvent } from '../log/record.ts'
import { differAt, effectOf } from '../state/effect.ts'
import { parsePointer } from '../state/pointer.ts'
import { type EventsOptions, type EventsParts, readEvents, readHistory } from './history.ts'
import { readSteps } from './steps.ts'
import { versionAt } from './time-travel.ts'

/** Which events to look at. What is left out filters nothing; of a list, one has to fit. */
export interface AuditOptions extends EventsOptions {
  /** Who did it. */
  actor?: string | readonly string[]
  /** What happened, in the callers' words; also the store's own, such as `$expired`. */
  type?: string | readonly string[]
  /** A JSON Pointer: events that changed the value there, by a change at it, around it or inside it. */
  path?: string
  /** Recorded at this time or later, ms since the epoch. */
  since?: number
  /** Recorded at this time or earlier, ms since the epoch. */
  until?: number
  /** The ids of the sessions to look at. */
  sessions?: Iterable<string>
}

/** A session that is asked for, and its last version. */
export interface Audited {
  readonly id: string
  readonly head: number
}

type Filter = Omit<AuditOptions, 'sessions'>

/** Up to so many sessions are read one by one, and nothing else is; for more of them every event is. */
export const MERGED_SESSIONS_MAX = 64

/** Events of the sessions, or of all, that fit the filter, in commit order. */
export async function* readAudit(
  parts: EventsParts,
  sessions: readonly Audited[] | undefined,
  filter: Filter,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const { until = Number.POSITIVE_INFINITY, path } = filter
  const [actors, types] = [setOf(filter.actor), setOf(filter.type)]
  const place = path === undefined ? undefined : parsePointer(path)!
  for await (const event of candidates(parts, sessions, filter)) {
    // Recorded times never fall.
    if (event.recordedAt > until) return
    if (actors !== undefined && !(event.actor !== undefined && actors.has(idOf(event.actor)))) continue
    if (types?.has(event.type) === false) continue
    if (place !== undefined && !(await concerns(parts.reader, event, place))) continue
    yield event
  }
}

/** At least the events of those sessions and that time, in commit order, read as sparingly as is simple. */
function candidates(
  parts: EventsParts,
  sessions: readonly Audited[] | undefined,
  filter: Filter,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const { after, live, signal, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter
  if (sessions !== undefined && !live && sessions.length <= MERGED_SESSIONS_MAX)
    return merged(sessions.map(session => historyOf(parts.reader, session, filter)))
  const ids = sessions && new Set(sessions.map(session => session.id))
  const options = { ...(after !== undefined && { after }), ...(live && { live }), ...(signal && { signal }) }
  // What comes too late passes too: it is what ends the reading.
  const isWanted = ({ recordedAt, sessionId }: RawEvent) =>
    recordedAt > until || (recordedAt >= since && ids?.has(sessionId) !== false)
  return readEvents(parts, options, isWanted)
}

async function* historyOf(
  reader: ReadableLog,
  { id, head }: Audited,
  { after = 0, since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, signal }: Filter,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const options = signal && { signal }
  const before = (time: number) => versionAt(reader, id, head, { time, ...options })
  const passed = await versionAt(reader, id, head, { position: after, ...options })
  const early = since === Number.NEGATIVE_INFINITY ? 0 : await before(Math.ceil(since) - 1)
  const to = until === Number.POSITIVE_INFINITY ? head : await before(until)
  yield* readHistory(reader, id, head, { from: Math.max(passed, early) + 1, to, ...options })
}

/** Events of several histories in the order of their positions. */
async function* merged(
  histories: readonly AsyncGenerator<RecordedEvent, void, undefined>[],
): AsyncGenerator<RecordedEvent, void, undefined> {
  const open = new Map<(typeof histories)[number], RecordedEvent>()
  const advance = async (history: (typeof histories)[number]) => {
    const { done, value } = await history.next()
    if (done) open.delete(history)
    else open.set(history, value)
  }
  try {
    for (const history of histories) await advance(history)
    while (open.size > 0) {
      let [first, event] = open.entries().next().value!
      for (const entry of open) if (entry[1].position < event.position) [first, event] = entry
      yield event
      await advance(first)
    }
  } finally {
    for (const history of open.keys()) await history.return()
  }
}

/** Whether an event changed the value at a place. The states are only read where the changes alone can't tell. */
async function concerns(
  reader: ReadableLog,
  { sessionId, version, changes }: RecordedEvent,
  place: readonly string[],
): Promise<boolean> {
  const effect = effectOf(changes, place)
  if (effect !== 'unknown') return effect === 'changed'
  for await (const { before, after } of readSteps(reader, sessionId, { from: version, to: version })) {
    return differAt(before.state, after.state, place)
  }
  return false
}

function setOf(list: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  return list === undefined ? undefined : new Set(typeof list === 'string' ? [list] : list)
}

/** An actor that is more than a name is known by its id. */
function idOf(actor: Actor): string {
  return typeof actor === 'string' ? actor : actor.id
}
