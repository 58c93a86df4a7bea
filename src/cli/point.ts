import { type Point, SessionlogTypeError } from '../index.ts'
import { parseTime } from './text.ts'

/** What `--help` says of such an argument. */
export const POINT_HELP = 'a version, an ISO 8601 time, or @POSITION of the store'

/** An argument that names a place in a session's history: `12`, `2024-02-29T12:00:00Z`, `@3141`. */
export function point(name: string): (text: string) => Point {
  return text => {
    const number = Number(text.replace(/^@/, ''))
    if (/^@?\d+$/.test(text) && Number.isSafeInteger(number))
      return text.startsWith('@') ? { position: number } : { version: number }
    const time = parseTime(text)
    if (time !== undefined) return { time }
    throw new SessionlogTypeError(`${name} must be ${POINT_HELP}, not '${text}'`, name)
  }
}

/** `at version 12`, for a message. */
export function describePoint(point: Point): string {
  if ('version' in point) return `at version ${point.version}`
  return 'position' in point ? `at position ${point.position}` : 'at that time'
}
