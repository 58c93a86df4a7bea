import { formatCount, truncate } from './text.ts'

const SHOWN_AFTER_MS = 1000
const DRAWN_EVERY_MS = 100
const BAR_COLUMNS = 24

/** A bar on a terminal, for whatever takes longer than a second. Nothing where nobody looks. */
export class Progress {
  readonly #stream: NodeJS.WriteStream
  #label = ''
  #startedAt = 0
  #drawnAt = 0
  #shown = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  /** `done` of `total`, or just `done` where the total is not known; `words` say it otherwise. */
  update(label: string, done: number, total?: number, words = formatCount(done)): void {
    if (!this.#stream.isTTY) return
    const now = performance.now()
    if (label !== this.#label) {
      this.#label = label
      this.#startedAt = now
    }
    if (now - this.#startedAt < SHOWN_AFTER_MS || now - this.#drawnAt < DRAWN_EVERY_MS) return
    this.#drawnAt = now
    this.#shown = true
    const bar = total ? `${drawBar(Math.min(done / total, 1))} ` : ''
    this.#stream.write(`\r\x1b[K${truncate(`${label} ${bar}${words}`, (this.#stream.columns || 80) - 1)}`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown) this.#stream.write('\r\x1b[K')
    this.#shown = false
    this.#label = ''
  }
}

function drawBar(part: number): string {
  const full = Math.round(part * BAR_COLUMNS)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_COLUMNS - full)} ${Math.floor(part * 100)} %`
}
