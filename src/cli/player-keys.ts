import type { Key as Keypress } from 'node:readline'

/** A key as it came from the terminal. */
export interface Key {
  /** What commands go by: the character, or what the key is called where it types none. */
  readonly name: string
  /** What it types. */
  readonly text?: string
}

export type KeyCommand =
  | 'play'
  | 'forward'
  | 'back'
  | 'first'
  | 'last'
  | 'jump'
  | 'search'
  | 'again'
  | 'backwards'
  | 'faster'
  | 'slower'
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'otherPane'
  | 'help'
  | 'suspend'
  | 'quit'

interface Bindings {
  /** How help calls the keys, and what it says of them. */
  readonly keys: string
  readonly do: string
  readonly commands: Readonly<Record<string, KeyCommand>>
}

const BINDINGS: readonly Bindings[] = [
  { keys: 'Space', do: 'play, or pause', commands: { space: 'play' } },
  {
    keys: '→ ←  l h',
    do: 'the next event, the one before',
    commands: { right: 'forward', l: 'forward', left: 'back', h: 'back' },
  },
  {
    keys: 'Home End  g G',
    do: 'the first event, the last',
    commands: { home: 'first', g: 'first', end: 'last', G: 'last' },
  },
  { keys: ':', do: 'jump to a version, a time, or @POSITION of the store', commands: { ':': 'jump' } },
  {
    keys: '/',
    do: 'search for the next change under a JSON Pointer, as /items/0',
    commands: { '/': 'search' },
  },
  { keys: 'n N', do: 'search again, or backwards', commands: { n: 'again', N: 'backwards' } },
  {
    keys: '+ -',
    do: 'twice as fast, half as fast',
    commands: { '+': 'faster', '=': 'faster', '-': 'slower', _: 'slower' },
  },
  {
    keys: '↑ ↓  k j',
    do: 'scroll a line',
    commands: { up: 'up', k: 'up', down: 'down', j: 'down' },
  },
  {
    keys: 'PageUp PageDown',
    do: 'scroll a page',
    commands: { pageup: 'pageUp', 'ctrl-b': 'pageUp', pagedown: 'pageDown', 'ctrl-f': 'pageDown' },
  },
  { keys: 'Tab', do: 'scroll the other pane', commands: { tab: 'otherPane' } },
  { keys: '?', do: 'these keys', commands: { '?': 'help' } },
  { keys: 'Ctrl-Z', do: 'back to the shell, until fg', commands: { 'ctrl-z': 'suspend' } },
  { keys: 'q Esc Ctrl-C', do: 'quit', commands: { q: 'quit', escape: 'quit' } },
]

const COMMANDS = new Map(BINDINGS.flatMap(({ commands }) => Object.entries(commands)))

/** The keys, a line for each kind. */
export const KEY_HELP: readonly string[] = BINDINGS.map(bound => bound.keys.padEnd(17) + bound.do)

export const KEY_SUMMARY = 'Space play  ←→ step  : jump  / search  ? keys  q quit'

export function commandOf({ name }: Key): KeyCommand | undefined {
  return COMMANDS.get(name)
}

/** A key from what `node:readline` makes of it. */
export function keyOf(character: string | undefined, { name = '', ctrl, meta }: Keypress): Key {
  if (ctrl) return { name: `ctrl-${name}` }
  if (meta && name !== 'escape') return { name: `alt-${name}` }
  if (character === undefined || /^\p{Cc}/u.test(character)) return { name }
  return { name: character === ' ' ? 'space' : character, text: character }
}
