import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import picocolors from 'picocolors'
import { printable, printableJson } from './text.ts'

type Colors = ReturnType<typeof picocolors.createColors>

/** How much is gathered before it is written. */
const CHUNK_CHARACTERS = 1 << 16

/** Standard output for data, standard error for everything else. */
export class Output {
  readonly colors: Colors
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream
  readonly #signal: AbortSignal | undefined
  #chunk = ''
  #broken = false

  /** `onBroken` is told why nothing more can be written: the reader has gone, as `head` does, or the disk is full. */
  constructor(
    stdout: NodeJS.WriteStream,
    stderr: NodeJS.WriteStream,
    onBroken: (error: NodeJS.ErrnoException) => void,
    signal?: AbortSignal,
  ) {
    this.#signal = signal
    this.#stdout = stdout
    this.#stderr = stderr
    this.colors = picocolors.createColors(wantsColor(stdout))
    stdout.on('error', (error: NodeJS.ErrnoException) => {
      this.#broken = true
      onBroken(error)
    })
    stderr.on('error', () => {})
  }

  get isTerminal(): boolean {
    return Boolean(this.#stdout.isTTY)
  }

  /** Columns of the terminal; undefined where there is none, or it does not know: then it says 0. */
  get columns(): number | undefined {
    return this.isTerminal ? this.#stdout.columns || undefined : undefined
  }

  /** Writes a line of data; waits where the reader is slower. */
  async line(text: string): Promise<void> {
    this.#chunk += `${text}\n`
    if (this.#chunk.length >= CHUNK_CHARACTERS) await this.flush()
  }

  json(value: unknown): Promise<void> {
    return this.line(printableJson(JSON.stringify(value)))
  }

  async flush(): Promise<void> {
    const chunk = this.#chunk
    this.#chunk = ''
    if (chunk === '' || this.#broken) return
    if (!this.#stdout.write(chunk) && !this.#broken)
      await once(this.#stdout, 'drain', { signal: this.#signal })
    // A pipe or a file is written to without a pause: a signal is only heard in one.
    await turn(undefined, { signal: this.#signal })
  }

  /** Says something to whoever watches, beside the data. */
  note(text: string): void {
    this.#stderr.write(`${text}\n`)
  }

  fail(message: string, code: string): void {
    this.note(`sessionlog: ${printable(message)} (${code})`)
  }
}

/** https://no-color.org and https://force-color.org, else whether somebody is looking. */
export function wantsColor(stream: NodeJS.WriteStream, env = process.env): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return Boolean(stream.isTTY) && env.TERM !== 'dumb'
}
