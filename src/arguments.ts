import { SessionlogTypeError } from './errors.ts'
import type { WriteOptions } from './event.ts'
import type { EventsOptions, HistoryOptions } from './projection/history.ts'
import type { Point } from './projection/time-travel.ts'

/** An id is any well-formed string of 1 to 1,024 UTF-8 bytes. */
export function checkId(id: unknown, name = 'sessionId'): asserts id is string {
  if (typeof id !== 'string') throw wrong(`${name} must be a string, not ${kind(id)}`, name)
  if (id === '') throw wrong(`${name} must not be empty`, name)
  if (!isWellFormed(id)) throw wrong(`${name} must be well-formed Unicode`, name)
  if (id.length > 341 && Buffer.byteLength(id) > 1024)
    throw wrong(`${name} must not be over 1,024 bytes in UTF-8`, name)
}

const TEXTS = ['actor', 'reason', 'type', 'correlationId', 'causationId'] as const
const WRITE_OPTIONS = [...TEXTS, 'data', 'expectedVersion', 'eventId', 'occurredAt', 'expiresAt']
const EXPECTATIONS = ['any', 'no_session', 'session_exists']

export function checkWriteOptions(options: WriteOptions, more: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null) throw wrong('options must be an object', 'options')
  checkNames(options, [...WRITE_OPTIONS, ...more])
  for (const name of TEXTS) checkType(options, name, 'string')
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

export function checkPoint(point: Point): void {
  checkOptions(point, ['version', 'time', 'by', 'signal'])
  checkNumber(point, 'version', 0)
  checkType(point, 'time', 'number')
  const { version, time, by } = point as { version?: number; time?: number; by?: string }
  if ((version === undefined) === (time === undefined))
    throw wrong('Either version or time must be given', 'version')
  if (Number.isNaN(time)) throw wrong('time must be a number', 'time')
  if (![undefined, 'recorded', 'occurred'].includes(by))
    throw wrong(`by must be 'recorded' or 'occurred', not ${by}`, 'by')
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
