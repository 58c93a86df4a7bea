import type { ReplayStep } from '../index.ts'
import { changeLines } from './change-lines.ts'
import { type Row, wrap } from './player-rows.ts'
import { stateLines } from './state-lines.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export type PaneName = 'changes' | 'state'

/** A part of the screen, and all that can be scrolled through in it. */
export interface Pane extends Size {
  readonly lines: readonly Row[]
}

export interface Panes extends Readonly<Record<PaneName, Pane>> {
  readonly sideBySide: boolean
}

/** Two lines above the panes, and two below. */
const OTHER_ROWS = 4
const SIDE_BY_SIDE_MIN = 80
const CHANGES_COLUMNS_MAX = 72
/** Between the panes. */
const SEPARATOR_COLUMNS = 2
/** In front of each line of the state. */
export const GUTTER_COLUMNS = 2

/** What an event changed, and the state after it, cut to fit a terminal: side by side, or on a narrow one stacked. */
export function panesOf(
  { changes, before, after }: ReplayStep<unknown>,
  size: Size,
  sought?: readonly string[],
): Panes {
  const areas = size.columns >= SIDE_BY_SIDE_MIN ? sideBySide(size) : stacked(size)
  return {
    sideBySide: size.columns >= SIDE_BY_SIDE_MIN,
    changes: { ...areas.changes, lines: wrap(changeLines(changes, before, sought), areas.changes.columns) },
    state: {
      ...areas.state,
      lines: wrap(stateLines(after, before, sought), Math.max(areas.state.columns - GUTTER_COLUMNS, 1)),
    },
  }
}

function sideBySide({ columns, rows }: Size): Record<PaneName, Size> {
  const left = Math.min(Math.floor((columns * 2) / 5), CHANGES_COLUMNS_MAX)
  const height = Math.max(rows - OTHER_ROWS - 1, 1)
  return {
    changes: { columns: left, rows: height },
    state: { columns: columns - left - SEPARATOR_COLUMNS, rows: height },
  }
}

function stacked({ columns, rows }: Size): Record<PaneName, Size> {
  const height = Math.max(rows - OTHER_ROWS - 2, 2)
  const upper = Math.max(Math.floor(height / 3), 1)
  return {
    changes: { columns: Math.max(columns, 1), rows: upper },
    state: { columns: Math.max(columns, 1), rows: height - upper },
  }
}

/** The top line that a pane can be scrolled to nearest to one that is asked for. */
export function topWithin({ lines, rows }: Pane, top: number): number {
  return Math.min(Math.max(top, 0), Math.max(lines.length - rows, 0))
}

/** The top line of the changes that brings into sight what was searched for. */
export function topShowingSought(pane: Pane): number {
  return topWithin(
    pane,
    pane.lines.findIndex(line => line.isSought),
  )
}

/**
 * The top line that brings what changed into sight, at the place that was searched for or else the first: the same
 * one where it already is.
 */
export function topShowingMark(pane: Pane, top: number): number {
  const isMarked = ({ mark }: Row) => mark !== undefined
  const sought = pane.lines.findIndex(line => line.isSought && isMarked(line))
  const marked = sought >= 0 ? sought : pane.lines.findIndex(isMarked)
  const isSeen = marked < 0 || (marked >= top && marked < top + pane.rows)
  return topWithin(pane, isSeen ? top : marked - Math.floor(pane.rows / 3))
}
