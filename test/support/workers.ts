import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { StoreOptions } from '../../src/index.ts'

/** What a process was told of one of its saves. */
export interface Acked {
  readonly id: string
  readonly version: number
  readonly position: number
  readonly hash: string
  readonly state?: unknown
}

const source = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** A process that has a store open; see `worker.ts`. */
export class StoreProcess {
  readonly acked: Acked[] = []
  /** Resolves when the process has ended because of `kill()`; rejects where it ended by itself. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: unknown[]) => void>()
  #calls = 0
  #killed = false

  private constructor(child: ChildProcess) {
    this.#child = child
    this.ended = once(child, 'exit').then(([code, signal]) => {
      if (this.#killed && signal === 'SIGKILL') return
      throw new Error(`A process that has a store open ended by itself: ${signal ?? `exit code ${code}`}`)
    })
    this.ended.catch(() => {})
    child.on('message', ([id, ...answer]: [number | string, ...never[]]) => {
      if (id === 'acked') {
        const [session, version, position, hash, state] = answer
        this.acked.push({ id: session!, version: version!, position: position!, hash: hash!, state })
      } else if (typeof id === 'number') {
        this.#waiting.get(id)?.(answer)
        this.#waiting.delete(id)
      }
    })
  }

  /** Opened by the time that this resolves. */
  static async open(dir: string, options: StoreOptions<never> = {}): Promise<StoreProcess> {
    const child = fork(source, [dir, JSON.stringify(options)], { execArgv: ['--import', 'tsx'] })
    const end = () => void child.kill('SIGKILL')
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    const opened = once(child, 'message')
    await Promise.race([opened, once(child, 'exit').then(() => Promise.reject(new Error('It did not open')))])
    return new StoreProcess(child)
  }

  /** Rejects as the store's method does, and where the process ends by itself; never settles where it is killed. */
  async call<T = unknown>(method: string, ...args: unknown[]): Promise<T> {
    const id = ++this.#calls
    const answer = new Promise<unknown[]>(resolve => this.#waiting.set(id, resolve))
    // One that is gone can't be told; `ended` says so.
    this.#child.send([id, method, ...args], () => {})
    const [outcome, value, message] = await Promise.race([answer, this.ended.then(() => answer)])
    if (outcome === 'ok') return value as T
    throw Object.assign(new Error(String(message)), { code: value })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Rejects where the process had ended by itself. */
  async kill(): Promise<void> {
    this.#killed = true
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** Once so many saves were acknowledged, or the process was killed; rejects where it ended by itself. */
  async untilAcked(count: number): Promise<void> {
    while (this.acked.length < count) {
      const next = once(this.#child, 'message').then(() => true)
      if (!(await Promise.race([next, this.ended.then(() => false)]))) return
    }
  }
}
