import type { ReplayStep } from '../index.ts'
import { parsePointer } from '../state/pointer.ts'
import type { Output } from './output.ts'
import { commandOf, type Key } from './player-keys.ts'
import { type PlayerModel, press, turnedTo, type Wish } from './player-model.ts'
import { type Panes, panesOf, type Size, topShowingMark, topWithin } from './player-panes.ts'
import type { PlayerSteps } from './player-steps.ts'
import { screenOf } from './player-view.ts'
import { formatCount, formatDuration } from './text.ts'

/** What a player draws on. */
export interface Screen {
  readonly size: Size
  draw(lines: readonly string[]): void
  suspend(): void
}

export interface PlayerOptions {
  readonly session: string
  readonly first: number
  readonly last: number
  readonly head: number
  readonly speed: number
  readonly steps: PlayerSteps
  readonly colors: Output['colors']
  readonly signal: AbortSignal
}

/** Between two steps that are played, however long it was when they were recorded. */
const PAUSE_MS_MAX = 2000
/** At the pace of the recording; ten times as fast, a tenth of it. Else a burst would be over before it is seen. */
const PAUSE_MS_MIN = 100
const SEARCH_DRAWN_EVERY_MS = 100

/** Plays a session on a screen. Keys wait in line until what was asked for before has been read. */
export class Player {
  readonly #options: PlayerOptions
  readonly #screen: Screen
  readonly #keys: Key[] = []
  #model: PlayerModel
  #panes: Panes
  /** When the step was shown, or playing began. */
  #shownAt = performance.now()
  #search: AbortController | undefined
  #wake = () => {}
  #resized = false
  #ended = false

  /** Reads the first step, so that what can't be played fails before the screen is taken. */
  static async open(options: PlayerOptions, screen: Screen): Promise<Player> {
    return new Player(options, screen, await options.steps.at(options.first, options.signal))
  }

  private constructor(options: PlayerOptions, screen: Screen, step: ReplayStep<unknown>) {
    const { session, first, last, head, speed } = options
    this.#options = options
    this.#screen = screen
    this.#panes = panesOf(step, screen.size)
    const tops = { changes: 0, state: 0 }
    const rest = { playing: false, helping: false, focus: 'state', tops } as const
    this.#model = { session, first, last, head, step, speed, ...rest }
  }

  readonly onKey = (key: Key): void => {
    // In raw mode the terminal doesn't make a signal of it; whoever listens for one decides.
    if (key.name === 'ctrl-c') process.emit('SIGINT', 'SIGINT')
    else if (this.#search !== undefined && commandOf(key) === 'quit') this.#search.abort()
    else this.#keys.push(key)
    this.#wake()
  }

  readonly onResize = (): void => {
    this.#resized = true
    this.#wake()
  }

  readonly onEnd = (): void => {
    this.#ended = true
    this.#wake()
  }

  /** Until it is quit. Rejects with the signal's reason. */
  async run(): Promise<void> {
    const { signal } = this.#options
    const onAbort = () => this.#wake()
    signal.addEventListener('abort', onAbort)
    try {
      while (!this.#ended) {
        if (this.#resized) this.#refit()
        this.#draw()
        const key = this.#keys.shift()
        if (key !== undefined) await this.#obey(key)
        else if (this.#model.playing) await this.#playOn()
        else await this.#arrival()
        signal.throwIfAborted()
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #obey(key: Key): Promise<void> {
    const { playing } = this.#model
    const { model, wish } = press(this.#model, key, this.#panes)
    this.#model = model
    if (!playing && model.playing) this.#shownAt = performance.now()
    if (wish !== undefined) await this.#telling(() => this.#fulfil(wish))
  }

  async #fulfil(wish: Wish): Promise<void> {
    const { steps, signal, first, last } = this.#options
    switch (wish.to) {
      case 'quit':
        this.#ended = true
        return
      case 'suspend':
        return this.#screen.suspend()
      case 'version':
        return this.#turnTo(wish.version)
      case 'point': {
        const version = await steps.versionAt(wish.point, { from: first, to: last }, signal)
        return version === undefined ? this.#tell('Nothing had happened by then') : this.#turnTo(version)
      }
      case 'change':
        return this.#searchFor(wish.pointer, wish.backwards)
    }
  }

  async #searchFor(pointer: string, backwards: boolean): Promise<void> {
    const { steps, signal, first, last } = this.#options
    const { version } = this.#model.step.event
    const range = backwards ? { from: first, to: version - 1 } : { from: version + 1, to: last }
    const search = new AbortController()
    let drawnAt = performance.now()
    const onVersion = (at: number) => {
      if (performance.now() - drawnAt < SEARCH_DRAWN_EVERY_MS) return
      drawnAt = performance.now()
      this.#tell(`Searching for a change under ${pointer}: version ${formatCount(at)}; Esc stops it`)
      this.#draw()
    }
    this.#search = search
    try {
      const found =
        range.from > range.to
          ? undefined
          : await steps.changing(
              parsePointer(pointer)!,
              { ...range, reverse: backwards },
              AbortSignal.any([signal, search.signal]),
              onVersion,
            )
      if (found !== undefined) return await this.#turnTo(found)
      this.#tell(`No ${backwards ? 'earlier' : 'later'} change under ${pointer}`)
    } catch (error) {
      if (!search.signal.aborted) throw error
      this.#tell('The search was stopped')
    } finally {
      this.#search = undefined
    }
  }

  /** Waits for the next step's time, or for a key. */
  async #playOn(): Promise<void> {
    await this.#telling(async () => {
      const { step, speed } = this.#model
      const next = await this.#options.steps.at(step.event.version + 1, this.#options.signal)
      const recordedMs = (next.event.recordedAt - step.event.recordedAt) / speed
      const pauseMs = Math.min(Math.max(recordedMs, PAUSE_MS_MIN / speed), PAUSE_MS_MAX)
      if (recordedMs > PAUSE_MS_MAX && this.#model.message === undefined) {
        this.#tell(
          `playing: a pause of ${formatDuration(recordedMs)} is cut to ${formatDuration(PAUSE_MS_MAX)}`,
        )
        this.#draw()
      }
      const leftMs = this.#shownAt + pauseMs - performance.now()
      if (!(await this.#arrival(Math.max(leftMs, 0)))) await this.#turnTo(next.event.version)
    })
  }

  async #turnTo(version: number): Promise<void> {
    const { steps, signal } = this.#options
    const step = await steps.at(version, signal)
    this.#panes = this.#panesOf(step)
    this.#model = turnedTo({ ...this.#model, message: undefined }, step, this.#panes)
    this.#shownAt = performance.now()
  }

  /** What can't be read is said; all else can still be looked at. */
  async #telling(task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      this.#options.signal.throwIfAborted()
      const { code, message } = error as { code?: unknown; message: string }
      if (typeof code !== 'string') throw error
      this.#model = { ...this.#model, playing: false, message: `${message} (${code})` }
    }
  }

  #tell(message: string): void {
    this.#model = { ...this.#model, message }
  }

  #refit(): void {
    this.#resized = false
    this.#panes = this.#panesOf(this.#model.step)
    const { changes, state } = this.#model.tops
    const tops = {
      changes: topWithin(this.#panes.changes, changes),
      state: topShowingMark(this.#panes.state, state),
    }
    this.#model = { ...this.#model, tops }
  }

  #panesOf(step: ReplayStep<unknown>): Panes {
    const { pointer } = this.#model
    return panesOf(step, this.#screen.size, pointer === undefined ? undefined : parsePointer(pointer))
  }

  #draw(): void {
    this.#screen.draw(screenOf(this.#model, this.#panes, this.#screen.size, this.#options.colors))
  }

  /** Until something comes that the loop has to look at, which is true, or the time is over. */
  async #arrival(timeoutMs?: number): Promise<boolean> {
    if (!this.#isCalled) {
      await new Promise<void>(resolve => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#isCalled
  }

  get #isCalled(): boolean {
    return this.#keys.length > 0 || this.#resized || this.#ended || this.#options.signal.aborted
  }
}
