import { SessionlogError } from '../errors.ts'
import type { CompactionReport, CompactionSource, CompactOptions } from './compaction.ts'
import { compact } from './compaction.ts'

export interface CompactorHooks {
  /** Called after each run that went to its end, with the position that it went up to. */
  readonly onDone: (report: CompactionReport) => Promise<void>
  /** Called after that, when others may run again. */
  readonly onEnd: (report: CompactionReport) => Promise<void>
  /** Called where a run fails; one that was told to stop has not. */
  readonly onFailure: (error: unknown) => void
  /** Called after that where nobody waits for the run. */
  readonly onUnawaited: (error: unknown) => void
}

/** Runs compactions one at a time: when asked to, and by itself. */
export class Compactor {
  readonly #source: CompactionSource
  readonly #hooks: CompactorHooks
  readonly #stop = new AbortController()
  readonly #timer: NodeJS.Timeout | undefined
  #running: Promise<unknown> = Promise.resolve()
  #pending = 0

  constructor(source: CompactionSource, everyMs: number, hooks: CompactorHooks) {
    this.#source = source
    this.#hooks = hooks
    if (everyMs > 0) this.#timer = setInterval(() => this.#runByItself(), everyMs).unref()
  }

  async run({ wait, ...options }: CompactOptions = {}): Promise<CompactionReport> {
    const report = await this.alone(signal => this.#run({ ...options, signal }), { ...options, wait })
    await this.#hooks.onEnd(report)
    return report
  }

  /** Runs a task while no compaction runs. Its signal is the caller's and that of the end of the store. */
  async alone<T>(
    task: (signal: AbortSignal) => Promise<T>,
    {
      signal = this.#stop.signal,
      wait = true,
    }: Pick<CompactOptions, 'signal'> & { wait?: boolean | undefined },
  ): Promise<T> {
    if (!wait && this.#pending > 0) throw running()
    const either = AbortSignal.any([this.#stop.signal, signal])
    this.#pending++
    const run = this.#running.then(() => {
      either.throwIfAborted()
      return task(either)
    })
    this.#running = run.catch(() => {}).finally(() => this.#pending--)
    return run
  }

  /** Interrupts what is running, and waits for it to end. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new SessionlogError('SESSIONLOG_NOT_OPEN', 'The store is closing'))
    await this.#running
  }

  async #run(options: CompactOptions): Promise<CompactionReport> {
    try {
      const report = await compact(this.#source, options)
      await this.#hooks.onDone(report)
      return report
    } catch (error) {
      if (!options.signal?.aborted) this.#hooks.onFailure(error)
      throw error
    }
  }

  #runByItself(): void {
    if (this.#pending > 0 || this.#source.writer.failure !== undefined) return
    this.run().catch(error => {
      if (!this.#stop.signal.aborted) this.#hooks.onUnawaited(error)
    })
  }
}

function running(): SessionlogError {
  return new SessionlogError(
    'SESSIONLOG_COMPACTION_RUNNING',
    'The store is being compacted, archived, pruned or verified already',
  )
}
