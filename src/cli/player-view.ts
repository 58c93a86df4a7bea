import { nameOf } from '../event.ts'
import type { Output } from './output.ts'
import { KEY_HELP, KEY_SUMMARY } from './player-keys.ts'
import type { PlayerModel } from './player-model.ts'
import { GUTTER_COLUMNS, type Pane, type PaneName, type Panes, type Size, topWithin } from './player-panes.ts'
import type { Row } from './player-rows.ts'
import { formatCount, isoTime, plural, printable, truncate, widthOf } from './text.ts'

type Colors = Output['colors']
type Style = (text: string) => string

/** Words of one line, each in its style. */
type Words = readonly (readonly [text: string, style?: Style])[]

/**
 * The screen of a player: a line for each row of the terminal. What comes from the store is printable in it; the
 * only control sequences are colours, and one that leads to a column whatever the terminal thinks of the width of
 * what stands before it.
 */
export function screenOf(model: PlayerModel, panes: Panes, size: Size, colors: Colors): string[] {
  const head = headLines(model, size, colors)
  const foot = footLines(model, size, colors)
  const room = Math.max(size.rows - head.length - foot.length, 0)
  const body = model.helping ? helpLines(size) : paneLines(model, panes, colors)
  const filled = Array.from({ length: room }, (_, row) => body[row] ?? '')
  return [...head, ...filled, ...foot].slice(0, size.rows)
}

function headLines(model: PlayerModel, { columns }: Size, colors: Colors): string[] {
  const { session, head, first, last, step } = model
  const { version, recordedAt, occurredAt, actor, type, reason } = step.event
  const bounds = first === 1 && last === head ? '' : `(${formatCount(first)} to ${formatCount(last)})`
  const where: Words = [
    [truncate(printable(session), Math.max(Math.floor(columns / 3), 12)), colors.bold],
    [`version ${formatCount(version)} of ${formatCount(head)}`],
    [bounds, colors.dim],
    [String(isoTime(recordedAt)), colors.dim],
  ]
  const what: Words = [
    [actor === undefined ? '' : nameOf(actor), colors.cyan],
    [type],
    [occurredAt === undefined ? '' : `occurred ${isoTime(occurredAt)}`, colors.dim],
    [reason ?? ''],
  ]
  return [inLine(where, columns), inLine(what, columns)]
}

function footLines(model: PlayerModel, { columns }: Size, colors: Colors): string[] {
  return [statusLine(model, columns, colors), inLine([[KEY_SUMMARY, colors.dim]], columns)]
}

const QUESTIONS = {
  jump: 'Version, time or @POSITION: ',
  search: 'JSON Pointer: ',
}

function statusLine(model: PlayerModel, columns: number, colors: Colors): string {
  const { prompt, message, playing, speed } = model
  if (prompt !== undefined) {
    const question = columns > 1 ? truncate(QUESTIONS[prompt.asks], columns - 1) : ''
    const typed = ending(printable(prompt.text), columns - 1 - widthOf(question))
    return question + typed + colors.inverse(' ')
  }
  if (message !== undefined) return inLine([[message, colors.yellow]], columns)
  const pace = `×${formatCount(speed)}`
  return inLine([[playing ? 'playing' : 'paused', playing ? colors.green : colors.bold], [pace]], columns)
}

/** The last columns of a text that is being typed. */
function ending(text: string, columns: number): string {
  const shown = columns > 0 ? [...text].slice(-columns) : []
  while (widthOf(shown.join('')) > columns) shown.shift()
  return shown.join('')
}

function helpLines({ columns }: Size): string[] {
  return [...KEY_HELP, '', 'Any key goes back'].map(line => truncate(line, columns))
}

function paneLines(model: PlayerModel, panes: Panes, colors: Colors): string[] {
  const changes = linesOf('changes', model, panes.changes, colors)
  const state = linesOf('state', model, panes.state, colors)
  if (!panes.sideBySide) return [...changes, ...state]
  const column = panes.changes.columns + 1
  return changes.map(
    (line, row) => `${line}\x1b[${column}G${row === 0 ? '┬' : '│'}${row === 0 ? '─' : ' '}${state[row]}`,
  )
}

/** A pane with its title, padded to its width. */
function linesOf(name: PaneName, model: PlayerModel, pane: Pane, colors: Colors): string[] {
  const top = topWithin(pane, model.tops[name])
  const seen = Array.from({ length: pane.rows }, (_, row) => pane.lines[top + row] ?? { text: '' })
  const styled = name === 'state' ? stateLine : changeLine
  const padded = seen.map(
    row => styled(row, colors) + padding(row, pane.columns - (name === 'state' ? GUTTER_COLUMNS : 0)),
  )
  return [title(name, model, pane, top, colors), ...padded]
}

function title(name: PaneName, model: PlayerModel, pane: Pane, top: number, colors: Colors): string {
  const { length } = model.step.changes
  const what = name === 'state' ? 'state' : plural(length, 'change')
  const seen = Math.min(top + pane.rows, pane.lines.length)
  const part =
    pane.lines.length > pane.rows
      ? `, lines ${formatCount(top + 1)}–${formatCount(seen)} of ${formatCount(pane.lines.length)}`
      : ''
  const text = truncate(` ${what}${part} `, Math.max(pane.columns - 1, 1))
  const style = model.focus === name ? colors.bold : colors.dim
  return `─${style(text)}${'─'.repeat(Math.max(pane.columns - 1 - widthOf(text), 0))}`
}

/** `>` before what is new, `-` where something is gone: also for who sees no colours. */
function stateLine({ text, mark }: Row, colors: Colors): string {
  if (mark === undefined) return `  ${text}`
  const [from, to] = mark
  if (from === to) return `${colors.red('-')} ${text}`
  const isPart = to < text.length || text.slice(0, from).trim() !== ''
  const marked = (isPart ? colors.inverse : colors.bold)(colors.green(text.slice(from, to)))
  return `${colors.green('>')} ${text.slice(0, from)}${marked}${text.slice(to)}`
}

function changeLine({ text }: Row, colors: Colors): string {
  const sign = /^ *([-+])/.exec(text)?.[1]
  if (sign === undefined) return text
  return sign === '+' ? colors.green(text) : colors.red(text)
}

function padding({ text }: Row, columns: number): string {
  return ' '.repeat(Math.max(columns - widthOf(text), 0))
}

/** What fits, two spaces apart. */
function inLine(words: Words, columns: number): string {
  let left = columns
  const shown: string[] = []
  for (const [text, style] of words) {
    if (text === '' || left < 4) continue
    const cut = truncate(printable(text), left)
    shown.push(style ? style(cut) : cut)
    left -= widthOf(cut) + 2
  }
  return shown.join('  ')
}
