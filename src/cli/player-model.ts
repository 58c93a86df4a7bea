import type { Point, ReplayStep } from '../index.ts'
import { parsePointer } from '../state/pointer.ts'
import { commandOf, type Key, type KeyCommand } from './player-keys.ts'
import { type PaneName, type Panes, topShowingMark, topShowingSought, topWithin } from './player-panes.ts'
import { point } from './point.ts'
import { formatCount } from './text.ts'

/** All that the screen of a player shows. */
export interface PlayerModel {
  readonly session: string
  /** The versions that it goes to. */
  readonly first: number
  readonly last: number
  /** The session's version. */
  readonly head: number
  readonly step: ReplayStep<unknown>
  readonly playing: boolean
  readonly speed: number
  /** Words of the player's own, until the next key. */
  readonly message?: string | undefined
  readonly prompt?: Prompt | undefined
  /** What was searched for last. */
  readonly pointer?: string | undefined
  readonly helping: boolean
  /** The pane that scrolls. */
  readonly focus: PaneName
  /** The first line in sight of each. */
  readonly tops: Readonly<Record<PaneName, number>>
}

interface Prompt {
  readonly asks: 'jump' | 'search'
  readonly text: string
}

/** What a key asks for that takes more than the model. */
export type Wish =
  | { readonly to: 'version'; readonly version: number }
  | { readonly to: 'point'; readonly point: Exclude<Point, { version: number }> }
  | { readonly to: 'change'; readonly pointer: string; readonly backwards: boolean }
  | { readonly to: 'suspend' | 'quit' }

export interface Pressed {
  readonly model: PlayerModel
  readonly wish?: Wish | undefined
}

/** Beyond them nobody sees a difference. */
const SPEED_MIN = 2 ** -6
const SPEED_MAX = 2 ** 20

/** The model at another step, with what it changed in sight. */
export function turnedTo(model: PlayerModel, step: ReplayStep<unknown>, panes: Panes): PlayerModel {
  const tops = {
    changes: topShowingSought(panes.changes),
    state: topShowingMark(panes.state, model.tops.state),
  }
  const isLast = step.event.version >= model.last
  return { ...model, step, tops, playing: model.playing && !isLast }
}

/** The model after a key, and what is left to do. A key that means nothing here only takes the message away. */
export function press(before: PlayerModel, key: Key, panes: Panes): Pressed {
  const model = { ...before, message: undefined }
  if (model.prompt !== undefined) return pressInPrompt(model, model.prompt, key)
  if (model.helping) return { model: { ...model, helping: false } }
  const command = commandOf(key)
  return command === undefined ? { model } : obey(model, command, panes)
}

function obey(model: PlayerModel, command: KeyCommand, panes: Panes): Pressed {
  const { speed, focus } = model
  switch (command) {
    case 'play':
      return playOrPause(model)
    case 'forward':
      return stepTo(model, model.step.event.version + 1)
    case 'back':
      return stepTo(model, model.step.event.version - 1)
    case 'first':
      return stepTo(model, model.first)
    case 'last':
      return stepTo(model, model.last)
    case 'jump':
    case 'search':
      return { model: { ...model, playing: false, prompt: { asks: command, text: '' } } }
    case 'again':
    case 'backwards':
      return search(model, '', command === 'backwards')
    case 'faster':
      return { model: { ...model, speed: Math.min(speed * 2, Math.max(speed, SPEED_MAX)) } }
    case 'slower':
      return {
        model: { ...model, speed: Math.max(Math.min(speed, 2 * SPEED_MAX) / 2, Math.min(speed, SPEED_MIN)) },
      }
    case 'up':
      return { model: scrolled(model, panes, -1) }
    case 'down':
      return { model: scrolled(model, panes, 1) }
    case 'pageUp':
      return { model: scrolled(model, panes, -panes[focus].rows) }
    case 'pageDown':
      return { model: scrolled(model, panes, panes[focus].rows) }
    case 'otherPane':
      return { model: { ...model, focus: focus === 'state' ? 'changes' : 'state' } }
    case 'help':
      return { model: { ...model, helping: true } }
    case 'suspend':
    case 'quit':
      return { model, wish: { to: command } }
  }
}

function playOrPause(model: PlayerModel): Pressed {
  if (model.step.event.version >= model.last)
    return { model: { ...model, message: 'This is the last event' } }
  return { model: { ...model, playing: !model.playing } }
}

/** Whoever steps looks around: that pauses. */
function stepTo(model: PlayerModel, version: number): Pressed {
  const paused = { ...model, playing: false }
  if (version < model.first) return { model: { ...paused, message: 'This is the first event' } }
  if (version > model.last) return { model: { ...paused, message: 'This is the last event' } }
  return { model: paused, wish: { to: 'version', version } }
}

function scrolled(model: PlayerModel, panes: Panes, by: number): PlayerModel {
  const { focus, tops } = model
  return { ...model, tops: { ...tops, [focus]: topWithin(panes[focus], tops[focus] + by) } }
}

function pressInPrompt(model: PlayerModel, { asks, text }: Prompt, { name, text: typed }: Key): Pressed {
  const closed = { ...model, prompt: undefined }
  const typing = (text: string) => ({ model: { ...model, prompt: { asks, text } } })
  switch (name) {
    case 'escape':
      return { model: closed }
    case 'return':
    case 'enter':
      return asks === 'jump' ? jump(closed, text.trim()) : search(closed, text, false)
    case 'backspace':
      return text === '' ? { model: closed } : typing([...text].slice(0, -1).join(''))
    case 'ctrl-u':
      return typing('')
  }
  return typed === undefined ? { model } : typing(text + typed)
}

function jump(model: PlayerModel, text: string): Pressed {
  if (text === '') return { model }
  let asked: Point
  try {
    asked = point('The place')(text)
  } catch (error) {
    return { model: { ...model, message: (error as Error).message } }
  }
  if (!('version' in asked)) return { model, wish: { to: 'point', point: asked } }
  const { version } = asked
  if (version >= model.first && version <= model.last) return { model, wish: { to: 'version', version } }
  const message = `Version ${formatCount(version)} is not between ${formatCount(model.first)} and ${formatCount(model.last)}`
  return { model: { ...model, message } }
}

/** An empty text searches for what was searched for before. */
function search(model: PlayerModel, text: string, backwards: boolean): Pressed {
  const paused = { ...model, playing: false }
  const pointer = text === '' ? model.pointer : text
  if (pointer === undefined)
    return { model: { ...paused, message: 'Nothing was searched for yet: / asks for a JSON Pointer' } }
  if (parsePointer(pointer) === undefined)
    return { model: { ...paused, message: `'${pointer}' is no JSON Pointer, such as /items/0` } }
  return { model: { ...paused, pointer }, wish: { to: 'change', pointer, backwards } }
}
