/** Every code that this package raises. Codes never change between minor versions; docs/errors.md has one heading each. */
export type SessionlogErrorCode =
  /** A wrong argument or option: fix the call. Raised as a `TypeError` that has a code. */
  | 'SESSIONLOG_INVALID_ARGUMENT'
  /** A state or `data` holds a value that cannot be stored: `path` says where. */
  | 'SESSIONLOG_INVALID_STATE'
  /** The `schema` validator refused the state: `path` says where, `cause` holds the validator's issues. */
  | 'SESSIONLOG_SCHEMA_REJECTED'
  /** Somebody else was first: read again, decide, save again. */
  | 'SESSIONLOG_VERSION_CONFLICT'
  /** `edit` of a session that has no state: save it first. */
  | 'SESSIONLOG_SESSION_NOT_FOUND'
  /** A version that this session does not have (yet, or any more). */
  | 'SESSIONLOG_VERSION_NOT_FOUND'
  /** `bisect`: the predicate is true at the good end, or not at the bad one. `version` says which. */
  | 'SESSIONLOG_BISECT_REFUSED'
  /** The same `eventId` came with other content: a bug in the caller's retry. */
  | 'SESSIONLOG_EVENT_ID_REUSED'
  /** The store's policy asks for an actor or a reason, or for a newer schema. */
  | 'SESSIONLOG_POLICY_VIOLATED'
  /** More saves are waiting than `pendingBytesMax` allows: wait, then try again. */
  | 'SESSIONLOG_OVERLOADED'
  /** The store is closing or closed. */
  | 'SESSIONLOG_NOT_OPEN'
  /** Another store holds this directory. */
  | 'SESSIONLOG_LOCKED'
  /** `compact` was not to wait, and another one is under way. */
  | 'SESSIONLOG_COMPACTION_RUNNING'
  /** The disk failed: the store has stopped; open it again, retry with the same `eventId`. */
  | 'SESSIONLOG_IO_ERROR'
  /** What was read is not what was written. Nothing is changed: keep the files, restore a copy. */
  | 'SESSIONLOG_CORRUPTION'
  /** A witness shows that the log once held more events than it does now. */
  | 'SESSIONLOG_EVENTS_MISSING'
  /** Written in a format that this version does not know. */
  | 'SESSIONLOG_FORMAT_UNSUPPORTED'
  /** Lines of an import were refused: the message names them. */
  | 'SESSIONLOG_IMPORT_REJECTED'
  /** A checkpoint, a proof or a signature does not say what it should: rely on nothing in it. */
  | 'SESSIONLOG_PROOF_INVALID'

export interface ErrorDetails {
  cause?: unknown
  sessionId?: string
  version?: number
  position?: number
  path?: string
}

/** The one class for operating errors. Wrong arguments are a {@link SessionlogTypeError}. */
export class SessionlogError extends Error {
  override readonly name: string = 'SessionlogError'
  readonly code: SessionlogErrorCode
  /** The session concerned, where one is. */
  readonly sessionId: string | undefined
  /** The version concerned, where one is known. */
  readonly version: number | undefined
  /** The place in the store concerned, where one is known. */
  readonly position: number | undefined
  /** The file, or the JSON Pointer inside the state, at fault. */
  readonly path: string | undefined

  constructor(code: SessionlogErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.sessionId = details.sessionId
    this.version = details.version
    this.position = details.position
    this.path = details.path
  }

  /** True where the same call may succeed later, with nothing changed by the caller. */
  get transient(): boolean {
    return TRANSIENT.includes(this.code)
  }
}

const TRANSIENT: readonly SessionlogErrorCode[] = [
  'SESSIONLOG_OVERLOADED',
  'SESSIONLOG_LOCKED',
  'SESSIONLOG_COMPACTION_RUNNING',
]

/** `SESSIONLOG_VERSION_CONFLICT`, with what was expected and what was found. */
export class VersionConflictError extends SessionlogError {
  override readonly name = 'VersionConflictError'
  readonly expected: number | string
  readonly actual: number

  constructor(sessionId: string, expected: number | string, actual: number) {
    super(
      'SESSIONLOG_VERSION_CONFLICT',
      `Session '${sessionId}' is at version ${actual}, expected ${expected}`,
      { sessionId, version: actual },
    )
    this.expected = expected
    this.actual = actual
  }
}

/** A wrong argument: a `TypeError` with a `code` and, where one is at fault, the `path` inside it. */
export class SessionlogTypeError extends TypeError {
  override readonly name = 'SessionlogTypeError'
  readonly code: SessionlogErrorCode
  readonly path: string | undefined

  constructor(message: string, path?: string, code: SessionlogErrorCode = 'SESSIONLOG_INVALID_ARGUMENT') {
    super(message)
    this.code = code
    this.path = path
  }
}

/** True for any error that this package raised, whichever copy of the package it came from. */
export function hasCode(error: unknown, code?: SessionlogErrorCode): boolean {
  const found = (error as { code?: unknown } | null | undefined)?.code
  return code === undefined ? typeof found === 'string' && found.startsWith('SESSIONLOG_') : found === code
}

/** A bundle can't say whether the session is anywhere else. */
export function sessionNotFound(sessionId: string, where: 'store' | 'bundle' = 'store'): SessionlogError {
  const message =
    where === 'store'
      ? `There never was a session '${sessionId}'`
      : `The bundle has no session '${sessionId}'`
  return new SessionlogError('SESSIONLOG_SESSION_NOT_FOUND', message, { sessionId })
}

export function versionNotFound(sessionId: string, version: number, head: number): SessionlogError {
  const message = `Session '${sessionId}' has no version ${version}: its last is ${head}`
  return new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message, { sessionId, version })
}

/** Where a session goes on, but not here. */
export function notHere(sessionId: string, last: number): SessionlogError {
  const message = `Of session '${sessionId}' there is nothing from after version ${last}, though it went on`
  return new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message, { sessionId, version: last })
}

/** Where nothing is known of what was before a session's first event. */
export function notRetained(sessionId: string, first: number): SessionlogError {
  const message = `Of session '${sessionId}' there is nothing from before version ${first}`
  return new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message, { sessionId, version: first })
}

export function overloaded(): SessionlogError {
  const message = 'Too many bytes wait for the disk: try again when some are through'
  return new SessionlogError('SESSIONLOG_OVERLOADED', message)
}
