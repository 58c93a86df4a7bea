import { endOfRow } from './text.ts'

/** A line of a pane, of any length, as it may be printed. */
export interface Line {
  readonly text: string
  /** What of it is new; of no length where something is gone. */
  readonly mark?: readonly [from: number, to: number] | undefined
  /** It tells of a change at the place that was searched for. */
  readonly isSought?: boolean
}

/** The part of a line that has room beside the others. */
export type Row = Line

/** Lines cut into rows of so many columns. */
export function wrap(lines: Iterable<Line>, columns: number): Row[] {
  const rows: Row[] = []
  for (const { text, mark, isSought = false } of lines) {
    let start = 0
    do {
      const end = endOfRow(text, start, columns)
      const part = mark && within(mark, start, end, text.length)
      rows.push({ text: text.slice(start, end), mark: part, isSought })
      start = end
    } while (start < text.length)
  }
  return rows
}

/** The part of a mark that falls into a row; one of no length falls into the row that it stands in. */
function within(
  [from, to]: readonly [number, number],
  start: number,
  end: number,
  length: number,
): Line['mark'] {
  const isHere = from === to ? from >= start && (from < end || end === length) : from < end && to > start
  return isHere ? [Math.max(from, start) - start, Math.min(to, end) - start] : undefined
}
