import type { Caller } from './link/caller.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import type { LogStats } from './stats.ts'
import type { VerifyOptions, VerifyReport } from './verify.ts'

/** Has the owner compact, and hears how it goes. */
export async function compactThere(caller: Caller, options: CompactOptions): Promise<CompactionReport> {
  const { signal, full = false, wait = true, onProgress } = options
  const onPage = (report: unknown) => onProgress?.(reportOf(report))
  return reportOf(await caller.call('compact', [full, wait], { signal, onPage }))
}

export async function verifyThere(caller: Caller, options: VerifyOptions): Promise<VerifyReport> {
  const { checkpoint, key, signal, onProgress } = options
  const onPage = (progress: unknown) => onProgress?.(progress as never)
  return (await caller.call('verify', [checkpoint, key], { signal, onPage })) as VerifyReport
}

/** When sessions end by themselves, as the owner had it recorded when this process joined; the others don't. */
export async function expiriesThere(caller: Caller): Promise<Map<string, number>> {
  const expiries = new Map<string, number>()
  for await (const page of caller.pages<[string, number][]>('expiries'))
    for (const [sessionId, expiresAt] of page) expiries.set(sessionId, expiresAt)
  return expiries
}

export async function statsThere(caller: Caller): Promise<LogStats> {
  return (await caller.call('stats')) as LogStats
}

/** Errors come over a link as their messages. */
function reportOf(wire: unknown): CompactionReport {
  const report = wire as CompactionReport & { problems: { error: unknown }[] }
  const problems = report.problems.map(problem => ({ ...problem, error: new Error(String(problem.error)) }))
  return { ...report, problems }
}
