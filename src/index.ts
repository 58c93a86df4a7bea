export type { BatchItem } from './batch.ts'
export type { Edit } from './edit.ts'
export {
  SessionlogError,
  type SessionlogErrorCode,
  SessionlogTypeError,
  VersionConflictError,
} from './errors.ts'
export type { Durability, ExpectedVersion, Receipt, RecordedEvent, WriteOptions } from './event.ts'
export type { Bisection, Predicate } from './event-reader.ts'
export { openStore } from './open.ts'
export type { Logger, StoreOptions } from './options.ts'
export type { AuditOptions } from './projection/audit.ts'
export type { BisectOptions, Evaluation, Verdict } from './projection/bisect.ts'
export type { Blame, ValueBlame } from './projection/blame.ts'
export type { EventsOptions, HistoryOptions } from './projection/history.ts'
export type { OpenProgress } from './projection/rebuild.ts'
export type { ReplayOptions, ReplayStep } from './projection/replay.ts'
export type { Point, TimeBy } from './projection/time-travel.ts'
export type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
export type { CompactionProblem } from './snapshot/snapshot-folder.ts'
export type { Change, Changes } from './state/changes.ts'
export type { JsonPatchOperation } from './state/json-patch.ts'
export { type Inexact, type PlainPatch, toJsonPatch } from './state/patch.ts'
export type { Immutable } from './state/values.ts'
export type { SessionStore, StoreStatus } from './store.ts'
export type { VerifyOptions, VerifyProblem, VerifyReport } from './verify.ts'
