/**
 * Keys of the log in LevelDB: UTF-8 text, ordered bytewise. A kind (one letter), then for what belongs to a
 * session its id, a NUL, and the rest. docs/format.md has the grammar.
 */
export const RANGE = {
  /** `m`: the store's own records. */
  store: 'm',
  /** `c<position>`: commits, by the position of their last event. */
  commit: 'c',
  /** `t<position><id>NUL<version>`: records that no compaction has sealed yet, by their first event. */
  tail: 't',
  /** `s<id>NUL<version>`: sealed records, by the version of their first event. */
  segment: 's',
  /** `b<id>NUL`: bases. */
  base: 'b',
  /** `i<id>NUL<eventId>`: the versions of events that have an id. */
  eventId: 'i',
  /** `f<id>NUL<child>`: sessions that were forked from one. */
  fork: 'f',
  /** `x<id>NUL`: expiries that were moved by a touch. */
  expiry: 'x',
  /** `a<id>NUL<version>`: where the archive has what was sealed, by the version of the first event. */
  archived: 'a',
  /** `p<id>NUL<version>`: what is left of pruned events, by the version of the first. */
  pruned: 'p',
  /** `r<id>NUL`: how much of a session is retained, and whether it must be. */
  retention: 'r',
} as const

export type Range = (typeof RANGE)[keyof typeof RANGE]

const END = '\0'

export interface KeyRange {
  gte: string
  lt?: string
  lte?: string
}

export function rangeOf(range: Range): { gte: string; lt: string } {
  return { gte: range, lt: upperBound(range) }
}

/** What lies between ranges, before the first and after the last. */
export function gapsBetween(ranges: readonly { gte: string; lt: string }[]): KeyRange[] {
  const gaps: { gte: string; lt?: string }[] = [{ gte: '' }]
  for (const { gte, lt } of [...ranges].sort((a, b) => (a.gte < b.gte ? -1 : 1))) {
    gaps.at(-1)!.lt = gte
    gaps.push({ gte: lt })
  }
  return gaps.filter(gap => gap.gte !== gap.lt)
}

/** A session's part of a range: every key of the session starts with it, and no other session's does. */
export function sessionPrefix(range: string, sessionId: string): string {
  return range + escapeId(sessionId) + END
}

/** Sorts as the number does: its length in base 36, then its digits. */
export function orderedNumber(value: number): string {
  const digits = value.toString(36)
  return digits.length.toString(36) + digits
}

/** `NaN` for anything else than {@link orderedNumber} makes: no other key leads to what is there. */
export function parseOrderedNumber(text: string): number {
  const value = Number.parseInt(text.slice(1), 36)
  return orderedNumber(value) === text ? value : Number.NaN
}

/** An ordered number with something behind it. */
export function splitOrderedNumber(text: string): { value: number; rest: string } {
  const end = 1 + Number.parseInt(text.charAt(0), 36)
  return { value: parseOrderedNumber(text.slice(0, end)), rest: text.slice(end) }
}

/** Where a prefix ends: `gte: prefix, lt: upperBound(prefix)`. Every prefix here ends in an ASCII character. */
export function upperBound(prefix: string): string {
  const last = prefix.length - 1
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
}

/** Splits a session's key into the id and what stands behind it. Of a key that is none, all is the id. */
export function parseSessionKey(key: string): { sessionId: string; rest: string } {
  const end = key.indexOf(END)
  if (end < 0) return { sessionId: key.slice(1), rest: '' }
  return { sessionId: unescapeId(key.slice(1, end)), rest: key.slice(end + 1) }
}

/** NUL ends an id, so inside one it is escaped, and with it the sign that escapes. */
function escapeId(id: string): string {
  return id.includes('%') || id.includes(END) ? id.replaceAll('%', '%25').replaceAll(END, '%00') : id
}

function unescapeId(text: string): string {
  return text.includes('%') ? text.replaceAll('%00', END).replaceAll('%25', '%') : text
}
