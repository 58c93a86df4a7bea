import { SessionlogTypeError } from './errors.ts'
import type { Actor, WriteOptions } from './event.ts'
import type { AuditOptions } from './projection/audit.ts'
import type { BisectOptions } from './projection/bisect.ts'
import type { EventsOptions, HistoryOptions } from './projection/history.ts'
import type { ReplayOptions } from './projection/replay.ts'
import type { Point } from './projection/time-travel.ts'
import { parsePointer } from './state/pointer.ts'

/** An id is any well-formed string of 1 to 1,024 UTF-8 bytes. */
export function checkId(id: unknown, name = 'sessionId'): asserts id is string {
  if (typeof id !== 'string') throw wrong(`${name} must be a string, not ${kind(id)}`, name)
  if (id === '') throw wrong(`${name} must not be empty`, name)
  if (!isWellFormed(id)) throw wrong(`${name} must be well-formed Unicode`, name)
  if (id.length > 341 && Buffer.byteLength(id) > 1024)
    throw wrong(`${name} must not be over 1,024 bytes in UTF-8`, name)
}

const TEXTS = ['reason', 'type', 'correlationId', 'causationId'] as const
const WRITE_OPTIONS = [...TEXTS, 'actor', 'data', 'expectedVersion', 'eventId', 'occurredAt', 'expiresAt']
const EXPECTATIONS = ['any', 'no_session', 'session_exists']

export function checkWriteOptions(options: WriteOptions, more: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null) throw wrong('options must be an object', 'options')
  checkNames(options, [...WRITE_OPTIONS, ...more])
  for (const name of TEXTS) checkType(options, name, 'string')
  if (options.actor !== undefined) isolateActor(options.actor)
  const { type, expectedVersion, eventId, occurredAt, expiresAt } = options
  if (type === '' || type?.startsWith('$'))
    throw wrong(`type must not be empty or start with $, as '${type}' does`, 'type')
  if (eventId !== undefined) checkId(eventId, 'eventId')
  if (occurredAt !== undefined && !Number.isFinite(occurredAt))
    throw wrong('occurredAt must be a finite number', 'occurredAt')
  if (expiresAt !== undefined) checkExpiry(expiresAt)
  const known = expectedVersion === undefined || EXPECTATIONS.includes(expectedVersion as string)
  if (!known && !(Number.isSafeInteger(expectedVersion) && (expectedVersion as number) >= 0)) {
    throw wrong(
      `expectedVersion must be an integer >= 0 or one of ${EXPECTATIONS}, not ${String(expectedVersion)}`,
      'expectedVersion',
    )
  }
}

/** A copy, of which each option was read once: what is checked is what is written. */
export function takeWriteOptions(given: WriteOptions): WriteOptions {
  const options = typeof given === 'object' && given !== null ? { ...given } : given
  checkWriteOptions(options)
  return options
}

/** A copy that is what was checked: a text, or who acts for whom. */
export function isolateActor(actor: Actor): Actor {
  if (typeof actor === 'string') return actor
  if (typeof actor !== 'object' || actor === null)
    throw wrong(`actor must be a string or an object, not ${kind(actor)}`, 'actor')
  checkNames(actor, ['id', 'type', 'onBehalfOf'])
  const { id, type, onBehalfOf } = actor
  const copy = { id, ...(type !== undefined && { type }), ...(onBehalfOf !== undefined && { onBehalfOf }) }
  for (const name of Object.keys(copy)) checkType(copy, name, 'string', 'actor/')
  if (!id) throw wrong('actor must have an id', 'actor/id')
  return Object.freeze(copy)
}

export function checkContext(context: WriteOptions): void {
  if (typeof context !== 'object' || context === null) throw wrong('context must be an object', 'context')
  checkNames(context, ['actor', 'reason', 'correlationId', 'causationId'])
  checkWriteOptions(context)
}

export function checkExpiry(expiresAt: unknown): asserts expiresAt is number {
  if (typeof expiresAt !== 'number' || Number.isNaN(expiresAt))
    throw wrong('expiresAt must be a number', 'expiresAt')
}

export function checkHistory(options: HistoryOptions): HistoryOptions {
  checkOptions(options, ['from', 'to', 'reverse', 'signal'])
  checkNumber(options, 'from', 0)
  checkNumber(options, 'to', 0)
  checkType(options, 'reverse', 'boolean')
  return options
}

export function checkEvents(options: EventsOptions): EventsOptions {
  checkOptions(options, ['after', 'live', 'signal'])
  checkNumber(options, 'after', 0)
  checkType(options, 'live', 'boolean')
  return options
}

/** With each session named once, in a list of ours. */
export function checkAudit(options: AuditOptions): AuditOptions & { sessions?: readonly string[] } {
  checkOptions(options, ['actor', 'type', 'path', 'since', 'until', 'sessions', 'after', 'live', 'signal'])
  checkNumber(options, 'after', 0)
  checkType(options, 'live', 'boolean')
  for (const name of ['actor', 'type'] as const) checkTexts(options[name], name)
  for (const name of ['since', 'until'] as const) {
    checkType(options, name, 'number')
    if (Number.isNaN(options[name])) throw wrong(`${name} must be a number`, name)
  }
  if (options.path !== undefined) checkPointer(options.path, 'path')
  const { sessions, ...others } = options
  return sessions === undefined ? others : { ...others, sessions: checkIds(sessions, 'sessions') }
}

/** A string, or a list of such. */
function checkTexts(texts: unknown, name: string): void {
  if (!Array.isArray(texts)) checkType({ [name]: texts }, name, 'string')
  else
    for (const [index, each] of texts.entries())
      if (typeof each !== 'string') throw wrong(`${name}/${index} must be a string`, `${name}/${index}`)
}

export function checkIds(ids: unknown, name: string): string[] {
  const isList = typeof ids === 'object' && ids !== null && Symbol.iterator in ids
  if (!isList) throw wrong(`${name} must be an iterable of ids`, name)
  const list = [...new Set(ids as Iterable<unknown>)]
  for (const [index, id] of list.entries()) checkId(id, `${name}/${index}`)
  return list as string[]
}

export function checkPoint(point: Point): Point {
  checkOptions(point, ['version', 'time', 'by', 'position', 'signal'])
  checkNumber(point, 'version', 0)
  checkNumber(point, 'position', 0)
  checkType(point, 'time', 'number')
  const { version, time, position, by } = point as {
    version?: number
    time?: number
    position?: number
    by?: string
  }
  if ([version, time, position].filter(each => each !== undefined).length !== 1)
    throw wrong('One of version, time and position must be given', 'version')
  if (Number.isNaN(time)) throw wrong('time must be a number', 'time')
  if (![undefined, 'recorded', 'occurred'].includes(by))
    throw wrong(`by must be 'recorded' or 'occurred', not ${by}`, 'by')
  // What is there and undefined was not given: whoever reads the point looks at what is there.
  return Object.fromEntries(Object.entries(point).filter(([, value]) => value !== undefined)) as Point
}

/** A number is a version. */
export function pointOf(point: number | Point): Point {
  return checkPoint(typeof point === 'number' ? { version: point } : point)
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** ms, from a number of them or a text such as `90d`: seconds, minutes, hours, days, weeks. */
export function parseDuration(duration: number | string, name: string): number {
  const [, count, unit] = /^(\d+)([smhdw])$/.exec(String(duration)) ?? []
  const ms = typeof duration === 'number' ? duration : Number(count) * UNITS[unit as keyof typeof UNITS]
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw wrong(`${name} must be a number of ms, or such as 90d, 12h, 2w, not ${String(duration)}`, name)
}

/** A path of a file; the system takes none with a NUL in it. */
export function checkPath(path: unknown, name: string): asserts path is string {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw wrong(`${name} must be a path`, name)
}

export function checkPointer(pointer: unknown, name = 'pointer'): string[] {
  const keys = typeof pointer === 'string' ? parsePointer(pointer) : undefined
  const text = typeof pointer === 'string' ? `'${pointer}'` : kind(pointer)
  if (keys === undefined) throw wrong(`${text} is no JSON Pointer, such as /items/0`, name)
  return keys
}

export function checkBisect(predicate: unknown, options: BisectOptions): void {
  if (typeof predicate !== 'function') throw wrong('predicate must be a function', 'predicate')
  checkOptions(options, ['good', 'bad', 'skip', 'signal'])
  checkNumber(options, 'good', 0)
  checkNumber(options, 'bad', 1)
  const { good = 0, bad, skip } = options
  if (skip !== undefined && typeof skip[Symbol.iterator] !== 'function')
    throw wrong('skip must be iterable', 'skip')
  if (bad !== undefined && good >= bad) throw wrong(`good must be before bad, ${bad}`, 'good')
}

export function checkReplayOptions(options: ReplayOptions): void {
  checkOptions(options, ['from', 'to', 'speed', 'scheduler'])
  checkNumber(options, 'from', 0)
  checkNumber(options, 'to', 0)
  const { speed, scheduler } = options
  if (speed !== undefined && !(typeof speed === 'number' && speed > 0))
    throw wrong('speed must be a number above 0', 'speed')
  if (scheduler !== undefined && typeof scheduler?.schedule !== 'function')
    throw wrong('scheduler must be one of RxJS', 'scheduler')
}

/** Options with nothing unknown in them; a `signal` is an AbortSignal. */
export function checkOptions(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw wrong('options must be an object', 'options')
  checkNames(options, names)
  const { signal } = options as { signal?: unknown }
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw wrong('signal must be an AbortSignal', 'signal')
}

export function checkNames(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw wrong(`There is no option ${name}`, name)
}

export function checkNumber(options: object, name: string, min: number): void {
  const value = (options as Record<string, unknown>)[name]
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= min)) return
  throw wrong(`${name} must be an integer >= ${min}, not ${String(value)}`, name)
}

export function checkType(options: object, name: string, type: string, path = ''): void {
  const value = (options as Record<string, unknown>)[name]
  if (value === undefined || typeof value === type) return
  throw wrong(`${path}${name} must be a ${type}, not ${kind(value)}`, path + name)
}

function kind(value: unknown): string {
  return value === null ? 'null' : typeof value
}

function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

export function wrong(message: string, path: string): SessionlogTypeError {
  return new SessionlogTypeError(message, path)
}
