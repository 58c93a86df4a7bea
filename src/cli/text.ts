import { stringifyState } from '../state/tagged-json.ts'

/**
 * Text that comes from a store, made safe to print for people: no control character reaches the terminal, where it
 * could move the cursor, set colours or turn the direction of writing.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, escapeOf)
}

function escapeOf(character: string): string {
  return SHORT[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`
}

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * JSON that says the same, without what would act on a terminal: JSON lets control characters of U+007F and above,
 * and those that turn the direction of writing, stand as they are.
 */
export function printableJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const segmenter = new Intl.Segmenter()
/** East Asian wide characters and emoji: two columns each. */
const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\ufe0f/u
const NARROW = /^[\x20-\x7e]*$/
const EMPTY = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

/** How many columns of a terminal a printable text takes, about. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += columnsOf(segment)
  return width
}

/** A text cut to a number of columns, with an ellipsis in place of what is gone. */
export function truncate(text: string, columns: number): string {
  // No more than that can be shown, and segmenting megabytes takes long.
  const head = text.length > columns * 16 ? text.slice(0, columns * 16) : text
  if (head === text && widthOf(text) <= columns) return text
  let width = 0
  let end = 0
  for (const { segment, index } of segmenter.segment(head)) {
    width += columnsOf(segment)
    if (width > columns - 1) break
    end = index + segment.length
  }
  return `${text.slice(0, end)}…`
}

/** Where a row of that many columns ends which begins at `start`: behind at least one character, never within one. */
export function endOfRow(text: string, start: number, columns: number): number {
  const narrow = text.slice(start, start + columns)
  if (NARROW.test(narrow)) return start + narrow.length
  // Segmenting is cheap only for short pieces; this one holds more characters than a row unless some take no column.
  const cut = start + columns * 2 + 1
  const piece = text.slice(start, isLowSurrogate(text, cut) ? cut + 1 : cut)
  let width = 0
  for (const { segment, index } of segmenter.segment(piece)) {
    width += columnsOf(segment)
    if (width > columns && index > 0) return start + index
  }
  return start + piece.length
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  return unit >= 0xdc00 && unit <= 0xdfff
}

function columnsOf(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2
  return EMPTY.test(grapheme) ? 0 : 1
}

/** A value of a state, short enough for a line of text. */
export function shortValue(value: unknown, columns = 24): string {
  return truncate(printable(stringifyState(value)), columns)
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 save`, `2,000 saves`. */
export function plural(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(Math.max(Math.floor(Math.log10(bytes || 1) / 3), 0), units.length - 1)
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

export function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** A time for people, to the second, in UTC. A caller's own may be none that a calendar has. */
export function formatTime(ms: number): string {
  const iso = isoTime(Math.trunc(ms))
  return typeof iso === 'number' ? String(iso) : `${iso.slice(0, -5).replace('T', ' ')}Z`
}

/** A time as ISO 8601, or as the number that it is where that would not bring it back. */
export function isoTime(ms: number): string | number {
  const date = new Date(ms)
  return date.getTime() === ms ? date.toISOString() : ms
}

const ISO = /^([+-]\d{6}|\d{4})-\d\d(-\d\d)?(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

/** ms since the epoch from an ISO 8601 time, in UTC where it names no zone, or a number of ms; else undefined. */
export function parseTime(time: unknown): number | undefined {
  if (typeof time === 'number') return Number.isFinite(time) ? time : undefined
  // Tables put a space where ISO 8601 has a T.
  const text = typeof time === 'string' ? time.replace(/^(\d{4}-\d\d-\d\d) +(?=\d)/, '$1T') : ''
  const match = ISO.exec(text)
  if (match === null) return undefined
  const zoneless = match[3] !== undefined && match[6] === undefined
  const ms = Date.parse(zoneless ? `${text}Z` : text)
  return Number.isNaN(ms) ? undefined : ms
}
