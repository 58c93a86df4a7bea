import type { RecordedEvent } from '../event.ts'
import { decodePayload } from '../log/codec.ts'
import type { ReadableLog } from '../log/readable-log.ts'
import { handOut } from '../state/exotic.ts'
import { parseIndex } from '../state/pointer.ts'
import { equal, isArray, isObject, kindOf, own, type Plain } from '../state/values.ts'
import { BlameTree } from './blame-tree.ts'
import { readSteps } from './steps.ts'
import { stateAtVersion } from './time-travel.ts'
import { type Touch, Trace } from './trace.ts'

/** Which event set something: the first four are its own. */
export interface Blame {
  readonly version: number
  readonly actor?: RecordedEvent['actor']
  readonly reason?: string
  /** `recordedAt`, ms since the epoch. */
  readonly time: number
  /** Set by this event or one before it: those are not there to tell. Only where a session's beginning is missing. */
  readonly earlier?: true
}

/** An event that changed a value, and the value before and after it; `undefined` where it was not there. */
export interface ValueBlame extends Blame {
  /** Where the value lay after the event, as a JSON Pointer's keys: an element's index changes with time. */
  readonly path: readonly string[]
  readonly before: unknown
  readonly after: unknown
}

/** Which part of a session's history: its events up to a version. */
interface History {
  readonly sessionId: string
  readonly head: number
  readonly signal?: AbortSignal | undefined
}

/** The events that changed the value at a place, oldest first. Reads back for the places, then on for the values. */
export async function* blameValue(
  reader: ReadableLog,
  { sessionId, head, signal }: History,
  place: readonly string[],
): AsyncGenerator<ValueBlame, void, undefined> {
  const touches = await touchesOf(reader, { sessionId, head, signal }, place)
  const versions = [...touches.keys()]
  if (versions.length === 0) return
  const range = { from: versions.at(-1)!, to: versions[0]!, signal }
  for await (const { event, before, after } of readSteps(reader, sessionId, range)) {
    const touch = touches.get(event.version)
    if (touch === undefined) continue
    const old = touch.before && valueAt(before.state, touch.before)
    const value = valueAt(after.state, touch.after)
    if (equal(old, value)) continue
    yield { ...blameOf(event), path: touch.after, before: handOut(old), after: handOut(value) }
  }
}

/** Of each leaf of the state at `head`, by its JSON Pointer, which event set it last: one pass over the history. */
export async function blameLeaves(
  reader: ReadableLog,
  { sessionId, head, signal }: History,
): Promise<Map<string, Blame>> {
  const { first } = reader.extent(sessionId)
  let tree = first > 1 && head >= first - 1 ? await treeBefore(reader, sessionId, first) : undefined
  for await (const { event } of readSteps(reader, sessionId, { from: first, to: head, signal })) {
    const mark = blameOf(event)
    tree ??= new BlameTree(undefined, mark)
    tree.change(event.changes, mark)
  }
  return new Map(tree?.leaves())
}

/** What each event did to the value that lies at a place after all of them, the latest first. */
async function touchesOf(
  reader: ReadableLog,
  { sessionId, head, signal }: History,
  place: readonly string[],
): Promise<Map<number, Touch>> {
  const touches = new Map<number, Touch>()
  const trace = new Trace(place)
  if (head === 0) return touches
  const { first } = reader.extent(sessionId)
  for await (const record of reader.session(sessionId, { from: first, to: head, reverse: true, signal })) {
    for (const event of record) {
      if (trace.ended) return touches
      const touch = trace.back(decodePayload(event).changes)
      if (touch !== undefined) touches.set(event.version, touch)
    }
  }
  return touches
}

/** What was there before the first event that is told: whoever set it is not. */
async function treeBefore(reader: ReadableLog, sessionId: string, first: number): Promise<BlameTree<Blame>> {
  const version = first - 1
  const [event] = (await reader.record(sessionId, version)).filter(each => each.version === version)
  const { state } = await stateAtVersion(reader, sessionId, version)
  return new BlameTree(state, { version, time: event!.recordedAt, earlier: true })
}

function blameOf({ version, actor, reason, recordedAt }: RecordedEvent): Blame {
  return {
    version,
    ...(actor !== undefined && { actor }),
    ...(reason !== undefined && { reason }),
    time: recordedAt,
  }
}

function valueAt(state: unknown, place: readonly string[]): unknown {
  return place.reduce(memberAt, state)
}

function memberAt(value: unknown, key: string): unknown {
  if (!isObject(value)) return undefined
  if (isArray(value)) return parseIndex(key) < 0 ? undefined : value[parseIndex(key)]
  const kind = kindOf(value)
  return kind === 'object' || kind === 'bare' ? own(value as Plain, key) : undefined
}
