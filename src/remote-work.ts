import type { Receipt } from './event.ts'
import type { Method } from './link/answerer.ts'
import type { Caller } from './link/caller.ts'
import type { PruneOptions, PruneReport } from './pruner.ts'
import type { ArchiveOptions, ArchiveReport } from './snapshot/archive.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import type { CompactionProblem } from './snapshot/snapshot-folder.ts'
import type { LogStats } from './stats.ts'
import type { VerifyOptions, VerifyReport } from './verify.ts'
import type { HoldOptions, Work } from './work.ts'

/*
 * What a follower has the owner do. Both ends of it are here: what is asked, and what is answered.
 */

/** The owner's end. */
export function worksOf(work: Work): Readonly<Record<string, Method>> {
  return {
    stats: () => work.stats(),
    compact: ([full, wait], context) =>
      work.compact({ full: full as boolean, wait: wait as boolean, ...reporting(context) }).then(toWire),
    verify: ([checkpoint, key], { signal, page }) =>
      work.verify({
        ...(checkpoint !== undefined && { checkpoint: checkpoint as string }),
        ...(key !== undefined && { key: key as string }),
        signal,
        onProgress: progress => void page(progress).catch(() => {}),
      }),
    archive: ([options], context) =>
      work.archive({ ...(options as ArchiveOptions), ...reporting(context) }).then(toWire),
    prune: ([options], context) =>
      work.prune({ ...(options as PruneOptions), ...reporting(context) }).then(toWire),
    hold: ([sessionId, on, options]) => work.hold(sessionId as string, on as boolean, options as HoldOptions),
  }
}

/** Tells by pages how far the work has come. */
function reporting({ signal, page }: Parameters<Method>[1]) {
  return { signal, onProgress: (report: Reported) => void page(toWire(report)).catch(() => {}) }
}

/** The follower's end, while it has an owner. */
export class RemoteWork implements Work {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  async compact({
    signal,
    full = false,
    wait = true,
    onProgress,
  }: CompactOptions): Promise<CompactionReport> {
    return this.#reported<CompactionReport>('compact', [full, wait], signal, onProgress)
  }

  async verify({ checkpoint, key, signal, onProgress }: VerifyOptions): Promise<VerifyReport> {
    const onPage = (progress: unknown) => onProgress?.(progress as never)
    return (await this.#caller.call('verify', [checkpoint, key], { signal, onPage })) as VerifyReport
  }

  archive({ signal, onProgress, ...options }: ArchiveOptions): Promise<ArchiveReport> {
    return this.#reported<ArchiveReport>('archive', [options], signal, onProgress)
  }

  prune({ signal, onProgress, ...options }: PruneOptions): Promise<PruneReport> {
    return this.#reported<PruneReport>('prune', [options], signal, onProgress)
  }

  async hold(sessionId: string, on: boolean, options: HoldOptions): Promise<Receipt> {
    return (await this.#caller.call('hold', [sessionId, on, options])) as Receipt
  }

  async stats(): Promise<LogStats> {
    return (await this.#caller.call('stats')) as LogStats
  }

  async #reported<R extends Reported>(
    method: string,
    args: readonly unknown[],
    signal: AbortSignal | undefined,
    onProgress: ((report: R) => void) | undefined,
  ): Promise<R> {
    const onPage = (report: unknown) => onProgress?.(fromWire(report as R))
    return fromWire((await this.#caller.call(method, args, { signal, onPage })) as R)
  }
}

/** When sessions end by themselves, as the owner had it recorded when this process joined; the others don't. */
export async function expiriesThere(caller: Caller): Promise<Map<string, number>> {
  const expiries = new Map<string, number>()
  for await (const page of caller.pages<[string, number][]>('expiries'))
    for (const [sessionId, expiresAt] of page) expiries.set(sessionId, expiresAt)
  return expiries
}

/** Work that is asked of whoever owns the log when it is asked. */
export function askedWork(ask: <T>(call: (work: Work) => Promise<T>) => Promise<T>): Work {
  return {
    compact: options => ask(work => work.compact(options)),
    verify: options => ask(work => work.verify(options)),
    archive: options => ask(work => work.archive(options)),
    prune: options => ask(work => work.prune(options)),
    hold: (sessionId, on, options) => ask(work => work.hold(sessionId, on, options)),
    stats: () => ask(work => work.stats()),
  }
}

interface Reported {
  readonly problems: readonly CompactionProblem[]
}

/** Errors go over a link as their messages. */
function toWire<R extends Reported>(report: R): unknown {
  const problems = report.problems.map(({ error, ...problem }) => ({
    ...problem,
    error: String(error.message),
  }))
  return { ...report, problems }
}

function fromWire<R extends Reported>(report: R): R {
  const problems = report.problems.map(problem => ({ ...problem, error: new Error(String(problem.error)) }))
  return { ...report, problems }
}
