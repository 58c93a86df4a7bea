import { checkNumber, checkOptions, checkType, checkWriteOptions, parseDuration, wrong } from './arguments.ts'
import type { PruneOptions } from './pruner.ts'
import type { ArchiveLimits, ArchiveOptions } from './snapshot/archive.ts'
import type { HoldOptions } from './work.ts'

export function checkArchive(options: ArchiveOptions): void {
  checkOptions(options, ['olderThan', 'keepLast', 'dryRun', 'signal', 'wait', 'onProgress'])
  for (const name of ['dryRun', 'wait']) checkType(options, name, 'boolean')
  checkType(options, 'onProgress', 'function')
  limitsOf(options, 0)
}

export function checkPrune(options: PruneOptions): void {
  checkOptions(options, ['actor', 'reason', 'dryRun', 'signal', 'wait', 'onProgress'])
  for (const name of ['dryRun', 'wait']) checkType(options, name, 'boolean')
  checkType(options, 'onProgress', 'function')
  checkHold(options)
}

export function checkHold({ actor, reason }: HoldOptions): void {
  checkWriteOptions({ ...(actor !== undefined && { actor }), ...(reason !== undefined && { reason }) })
}

/** As of a time, ms since the epoch. */
export function limitsOf(options: ArchiveOptions, now: number): ArchiveLimits {
  const { olderThan, keepLast } = options
  checkNumber(options, 'keepLast', 0)
  if (olderThan === undefined && keepLast === undefined)
    throw wrong('olderThan or keepLast must be given: what is archived is for the caller to say', 'olderThan')
  const before =
    olderThan === undefined ? Number.POSITIVE_INFINITY : now - parseDuration(olderThan, 'olderThan')
  return { before, keepLast: keepLast ?? 0 }
}
