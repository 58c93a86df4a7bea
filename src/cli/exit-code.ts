import { hasCode, type SessionlogErrorCode } from '../errors.ts'

/** What the process ends with: for scripts, so these numbers stay. `sessionlog --help` lists them. */
export const EXIT = {
  OK: 0,
  NO: 1,
  USAGE: 2,
  LOCKED: 3,
  DAMAGED: 4,
  REFUSED: 5,
  PARTIAL: 6,
  IO: 7,
  RUNNING: 8,
  BUG: 70,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export const EXIT_HELP = `
Exit codes:
    0  done
    1  no: verify found problems, a proof proves nothing, the ends of a bisect do not fit, no such session or version
    2  wrong usage: an argument, an option, a directory without a store
    3  locked: another process holds the store and does not share it, or does not answer
    4  the store cannot be opened or read: damaged, events missing, of an unknown format; what doctor found is such,
       or it could not save all
    5  import refused: nothing was written
    6  import done in part: lines were refused, or events came after the snapshots; export: sessions were left out
    7  the disk or a file failed
    8  the store is being compacted already
   70  a bug of sessionlog
  130  interrupted (SIGINT); 143 where asked to end (SIGTERM)`

const BY_ERROR: Partial<Record<SessionlogErrorCode, ExitCode>> = {
  SESSIONLOG_INVALID_ARGUMENT: EXIT.USAGE,
  SESSIONLOG_SESSION_NOT_FOUND: EXIT.NO,
  SESSIONLOG_VERSION_NOT_FOUND: EXIT.NO,
  SESSIONLOG_PROOF_INVALID: EXIT.NO,
  SESSIONLOG_BISECT_REFUSED: EXIT.NO,
  SESSIONLOG_LOCKED: EXIT.LOCKED,
  SESSIONLOG_COMPACTION_RUNNING: EXIT.RUNNING,
  SESSIONLOG_CORRUPTION: EXIT.DAMAGED,
  SESSIONLOG_EVENTS_MISSING: EXIT.DAMAGED,
  SESSIONLOG_FORMAT_UNSUPPORTED: EXIT.DAMAGED,
  SESSIONLOG_IMPORT_REJECTED: EXIT.REFUSED,
  SESSIONLOG_POLICY_VIOLATED: EXIT.REFUSED,
  SESSIONLOG_VERSION_CONFLICT: EXIT.REFUSED,
  SESSIONLOG_IO_ERROR: EXIT.IO,
}

/** The exit code for an error, and its code in the message. Errors of the operating system count as I/O. */
export function describeFailure(error: unknown): { exitCode: ExitCode; code: string; message: string } {
  if (error instanceof Interruption)
    return { exitCode: error.exitCode, code: error.signal, message: error.message }
  const { code, message } = error as { code?: string; message: string }
  if (hasCode(error))
    return { exitCode: BY_ERROR[code as SessionlogErrorCode] ?? EXIT.BUG, code: code!, message }
  if ((error as NodeJS.ErrnoException).syscall !== undefined)
    return { exitCode: EXIT.IO, code: 'SESSIONLOG_IO_ERROR', message }
  return { exitCode: EXIT.BUG, code: 'BUG', message: `Something that nobody expected: ${String(error)}` }
}

/** The reason of an abort that a signal from outside asked for. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super('Interrupted: what was done stays done')
    this.signal = signal
  }

  get exitCode(): ExitCode {
    return this.signal === 'SIGINT' ? EXIT.INTERRUPTED : EXIT.TERMINATED
  }
}
