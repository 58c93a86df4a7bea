import { emitKeypressEvents, type Key as Keypress } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import { type Key, keyOf } from './player-keys.ts'
import type { Size } from './player-panes.ts'

/** The alternate screen, without a cursor, and without going on in the next line where one is full. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'
const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'
/** How long the rest of a key may take that begins as Esc does. */
const ESCAPE_MS_MAX = 50

export interface TerminalEvents {
  onKey(key: Key): void
  /** The size may be another one, or what was drawn is gone. */
  onResize(): void
  /** Nothing more will be typed. */
  onEnd(): void
}

/** A terminal that gives its keys, and shows a screen of text. As it was before once it is closed, whatever ends the process. */
export class PlayerTerminal {
  readonly #stdin: ReadStream
  readonly #stdout: WriteStream
  #events: TerminalEvents | undefined
  #isOpen = false
  /** What each row shows: only those that differ are written. */
  #shown: readonly string[] = []

  constructor(stdin: ReadStream, stdout: WriteStream) {
    this.#stdin = stdin
    this.#stdout = stdout
  }

  get size(): Size {
    return { columns: this.#stdout.columns || 80, rows: this.#stdout.rows || 24 }
  }

  open(events: TerminalEvents): void {
    this.#events = events
    // Its types want a whole Interface for the one option that it reads.
    emitKeypressEvents(this.#stdin, { escapeCodeTimeout: ESCAPE_MS_MAX } as never)
    this.#stdin.on('keypress', this.#onKeypress)
    this.#stdin.on('end', this.#onEnd).on('error', this.#onEnd)
    this.#stdout.on('resize', this.#onResize)
    process.on('SIGCONT', this.#onContinue)
    process.on('exit', this.#leave)
    this.#enter()
    this.#stdin.resume()
  }

  close(): void {
    this.#leave()
    this.#stdin.off('keypress', this.#onKeypress)
    this.#stdin.off('end', this.#onEnd).off('error', this.#onEnd)
    this.#stdout.off('resize', this.#onResize)
    process.off('SIGCONT', this.#onContinue)
    process.off('exit', this.#leave)
    this.#stdin.pause()
  }

  draw(lines: readonly string[]): void {
    const changed = lines.flatMap((line, row) =>
      line === this.#shown[row] ? [] : [`\x1b[${row + 1};1H\x1b[2K${line}`],
    )
    this.#shown = lines
    if (changed.length > 0) this.#stdout.write(changed.join(''))
  }

  /** Gives the terminal back to the shell, as Ctrl-Z does. Where the shell goes on with it, so do we. */
  suspend(): void {
    if (process.platform === 'win32') return
    this.#leave()
    process.kill(0, 'SIGTSTP')
  }

  #enter(): void {
    this.#isOpen = true
    this.#shown = []
    this.#stdin.setRawMode(true)
    this.#stdout.write(ENTER)
  }

  readonly #leave = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#stdout.write(LEAVE)
    this.#stdin.setRawMode(false)
  }

  readonly #onKeypress = (character: string | undefined, key: Keypress): void =>
    this.#events?.onKey(keyOf(character, key))

  readonly #onEnd = (): void => this.#events?.onEnd()

  readonly #onResize = (): void => {
    this.#shown = []
    this.#events?.onResize()
  }

  readonly #onContinue = (): void => {
    // Also where somebody else had stopped the process, and the shell set the terminal as it likes it.
    this.#leave()
    this.#enter()
    this.#events?.onResize()
  }
}
