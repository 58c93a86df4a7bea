export type { BatchItem } from './batch.ts'
export type { BranchOptions } from './branch.ts'
export type { BundledSession } from './bundle/bundle-log.ts'
export type { BundleCounts, BundleHeader } from './bundle/header.ts'
export type { Redacted, RedactOptions } from './bundle/redaction.ts'
export { type Bundle, type OpenBundleOptions, openBundle } from './bundle.ts'
export type { BundleExport, BundleOptions } from './bundle-export.ts'
export type { BundleImport, ImportBundleOptions } from './bundle-import.ts'
export { type EventContext, withContext } from './context.ts'
export type { Diagnostics } from './diagnostics.ts'
export type { Edit } from './edit.ts'
export {
  SessionlogError,
  type SessionlogErrorCode,
  SessionlogTypeError,
  VersionConflictError,
} from './errors.ts'
export type {
  Actor,
  Durability,
  ExpectedVersion,
  ImportedFrom,
  Receipt,
  RecordedEvent,
  WriteOptions,
} from './event.ts'
export type { Bisection, Predicate } from './event-reader.ts'
export type { Logger } from './logger.ts'
export type { Histogram, LastCompaction } from './metrics.ts'
export { openStore } from './open.ts'
export type { PruneOption, StoreOptions } from './options.ts'
export type { AuditOptions } from './projection/audit.ts'
export type { BisectOptions, Evaluation, Verdict } from './projection/bisect.ts'
export type { Blame, ValueBlame } from './projection/blame.ts'
export type { CheckOptions, Divergence, Reducer, ReplayCheck } from './projection/check-replay.ts'
export type { EventsOptions, HistoryOptions } from './projection/history.ts'
export type { Descendant, ForkPoint, Lineage } from './projection/lineage.ts'
export type { OpenProgress } from './projection/rebuild.ts'
export type { ReplayOptions, ReplayStep } from './projection/replay.ts'
export type { Point, TimeBy } from './projection/time-travel.ts'
export { type Checkpoint, verifyCheckpoint } from './proof/checkpoint.ts'
export { generateKey, type KeyPair } from './proof/key.ts'
export { type Consistency, provesConsistency } from './proof/tree.ts'
export type { ConsistencyProof, ProofOptions } from './prover.ts'
export type { PruneOptions, PruneReport } from './pruner.ts'
export type { Examination, ExamineOptions, Finding, Severity } from './recovery/examination.ts'
export { examine } from './recovery/examine.ts'
export type { Conflict } from './recovery/finds.ts'
export type { Damage } from './recovery/level-files.ts'
export type { SessionLoss } from './recovery/losses.ts'
export type { OwnerState } from './recovery/owner-state.ts'
export { salvage } from './recovery/salvage.ts'
export type { SalvageOptions, SalvageReport } from './recovery/salvage-report.ts'
export type { Range } from './recovery/trusted-log.ts'
export { type RestoreOptions, type RestoreReport, restore } from './restore.ts'
export type { ArchiveOptions, ArchiveReport } from './snapshot/archive.ts'
export type { BackupReport } from './snapshot/backup.ts'
export type { BackupOptions } from './snapshot/backup-run.ts'
export type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
export type { CompactionProblem } from './snapshot/snapshot-folder.ts'
export type { Change, Changes } from './state/changes.ts'
export type { JsonPatchOperation } from './state/json-patch.ts'
export { type Inexact, type PlainPatch, toJsonPatch } from './state/patch.ts'
export type { Immutable } from './state/values.ts'
export type { Health, LogStats, StoreStats, StoreStatus } from './stats.ts'
export type { SessionStore } from './store.ts'
export type { VerifyOptions, VerifyProblem, VerifyReport } from './verify.ts'
export type { HoldOptions } from './work.ts'
