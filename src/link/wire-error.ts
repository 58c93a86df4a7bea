import {
  type ErrorDetails,
  hasCode,
  SessionlogError,
  type SessionlogErrorCode,
  SessionlogTypeError,
  VersionConflictError,
} from '../errors.ts'

/** An error on its way to another process: what its class needs to be made again, without stack and cause. */
export type WireError = readonly [
  code: string,
  message: string,
  sessionId: unknown,
  version: unknown,
  position: unknown,
  path: unknown,
  expected: unknown,
]

export function toWire(error: unknown): WireError {
  const { code, message, sessionId, version, position, path, expected } = (error ?? {}) as Record<
    string,
    unknown
  >
  const known = hasCode(error) ? (code as string) : error instanceof TypeError ? 'TypeError' : 'Error'
  return [known, String(message ?? error), sessionId, version, position, path, expected]
}

/** The same error, made here. One that isn't ours stays an `Error`, with its message. */
export function fromWire(wire: unknown): Error {
  const [code, message, sessionId, version, position, path, expected] = wire as WireError
  if (code === 'SESSIONLOG_VERSION_CONFLICT' && expected !== undefined)
    return new VersionConflictError(sessionId as string, expected as number, version as number)
  if (code === 'SESSIONLOG_INVALID_ARGUMENT') return new SessionlogTypeError(message, path as string)
  if (code === 'TypeError') return new TypeError(message)
  if (!code.startsWith('SESSIONLOG_')) return new Error(message)
  const details = { sessionId, version, position, path } as ErrorDetails
  return new SessionlogError(code as SessionlogErrorCode, message, details)
}
