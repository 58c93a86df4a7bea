import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFailed, onTestFinished } from 'vitest'
import { nodeArgs, temporary } from './cli.ts'

/** Why there is no terminal to test in; empty where there is one. On Linux it has to be there. */
export const noTmux =
  process.platform === 'linux' || spawnSync('tmux', ['-V']).status === 0 ? '' : ' (skipped: tmux is absent)'

/** A real terminal: a window of tmux with a shell in it, gone after the test. */
export class Tmux {
  readonly #dir = temporary()
  #seen = ''

  constructor(columns = 100, rows = 24) {
    const { NO_COLOR, FORCE_COLOR, CI, TMUX, ...env } = process.env
    onTestFailed(() => console.log(this.#seen))
    onTestFinished(() => void this.#tmux('kill-server'))
    const size = ['-x', String(columns), '-y', String(rows)]
    const shell = "PS1='$ ' exec sh"
    execFileSync('tmux', [...this.#server, '-f', '/dev/null', 'new-session', '-d', ...size, shell], { env })
  }

  /** Types text, and Enter after it. */
  line(text: string): void {
    this.#tmux('send-keys', '-l', text)
    this.keys('Enter')
  }

  /** Presses keys by their names in tmux. */
  keys(...names: readonly string[]): void {
    this.#tmux('send-keys', ...names)
  }

  /** Runs the command line in the shell, and says at its end how it ended, and how it left the terminal. */
  sessionlog(args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`)
    const command = [process.execPath, ...nodeArgs('src/cli/main.ts'), ...args].map(quoted)
    const words = [...variables, 'sh', '-c', quoted('echo $$ > "$0"; exec "$@"'), this.#pidFile, ...command]
    const script = join(this.#dir, 'script')
    // A file may hold what can't be typed.
    writeFileSync(script, `${words.join(' ')}\necho "ended with $?"\nstty -a\n`)
    this.line(`clear; sh ${script}`)
  }

  /** The process of the command line. */
  get pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'))
  }

  screen(): string {
    this.#seen = this.#tmux('capture-pane', '-p')
    return this.#seen
  }

  /** Looks at the screen until all of that is on it. */
  shows(...texts: readonly string[]): Promise<string> {
    return this.until(screen => texts.every(text => screen.includes(text)))
  }

  async until(isReached: (screen: string) => boolean): Promise<string> {
    for (;;) {
      const screen = this.screen()
      if (isReached(screen)) return screen
      await delay(20)
    }
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** What tmux says of the terminal, in its format. */
  is(format: string): string {
    return this.#tmux('display-message', '-p', format).trimEnd()
  }

  /** Records what is written to the terminal, as it is written. The answer waits until that has been. */
  record(): (text: string) => Promise<string> {
    const file = join(this.#dir, 'written')
    this.#tmux('pipe-pane', `cat > ${quoted(file)}`)
    return async text => {
      while (!existsSync(file) || !readFileSync(file, 'utf8').includes(text)) await delay(20)
      return readFileSync(file, 'utf8')
    }
  }

  get #pidFile(): string {
    return join(this.#dir, 'pid')
  }

  get #server(): string[] {
    return ['-u', '-S', join(this.#dir, 'tmux')]
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', [...this.#server, ...args], { encoding: 'utf8' })
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
