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
  /** Resolves when the process has ended. */
  readonly ended: Promise<unknown>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: unknown[]) => void>()
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    this.ended = once(child, 'exit')
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

  /** Rejects as the store's method does; never settles where the process ends first. */
  async call<T = unknown>(method: string, ...args: unknown[]): Promise<T> {
    const id = ++this.#calls
    const answer = new Promise<unknown[]>(resolve => this.#waiting.set(id, resolve))
    this.#child.send([id, method, ...args])
    const [outcome, value, message] = await answer
    if (outcome === 'ok') return value as T
    throw Object.assign(new Error(String(message)), { code: value })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }

  /** Once so many saves were acknowledged, or the process has ended. */
  async untilAcked(count: number): Promise<void> {
    const isOver = () => this.#child.exitCode !== null || this.#child.signalCode !== null
    while (this.acked.length < count && !isOver())
      await Promise.race([once(this.#child, 'message'), this.ended])
  }
}
