import type { Receipt, WriteOptions } from './event.ts'
import type { PruneOptions, PruneReport } from './pruner.ts'
import type { ArchiveOptions, ArchiveReport } from './snapshot/archive.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import type { LogStats } from './stats.ts'
import type { VerifyOptions, VerifyReport } from './verify.ts'

/** Who sets a legal hold, or ends it, and why. */
export type HoldOptions = Pick<WriteOptions, 'actor' | 'reason'>

/** What only the owner of a log can do; followers have it done. */
export interface Work {
  compact(options: CompactOptions): Promise<CompactionReport>
  verify(options: VerifyOptions): Promise<VerifyReport>
  archive(options: ArchiveOptions): Promise<ArchiveReport>
  prune(options: PruneOptions): Promise<PruneReport>
  /** Sets a legal hold, or ends it. */
  hold(sessionId: string, on: boolean, options: HoldOptions): Promise<Receipt>
  /** What the owner has done. */
  stats(): Promise<LogStats>
}
