import { type ErrorDetails, SessionlogError } from '../errors.ts'

/**
 * What LevelDB reports, as an error of ours. Damage comes under many names: under its own code, by its message
 * alone, or as a file that is shorter than it should be, or gone.
 */
export function levelError(error: unknown, what: string, details: ErrorDetails): SessionlogError {
  const { code, message = '' } = error as { code?: string; message?: string }
  if (code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN')
    return new SessionlogError('SESSIONLOG_NOT_OPEN', `The ${what} was closed before it was read`, details)
  if (code === 'LEVEL_CORRUPTION' || DAMAGE.test(message))
    return new SessionlogError('SESSIONLOG_CORRUPTION', `The ${what} is damaged: ${message}`, details)
  return new SessionlogError('SESSIONLOG_IO_ERROR', `The ${what} failed: ${message}`, details)
}

const DAMAGE = /corrupt|missing files|no meta-|does not exist|No such file|Invalid argument/i

const READ_ERRORS = new Set<unknown>([
  'LEVEL_CORRUPTION',
  'LEVEL_IO_ERROR',
  'LEVEL_DATABASE_NOT_OPEN',
  'LEVEL_ITERATOR_NOT_OPEN',
])

/** LevelDB sees some damage before our own checks do, and what reads on when the store closes. */
export function readError(error: unknown, sessionId?: string): unknown {
  const { code } = error as { code?: string }
  if (!READ_ERRORS.has(code)) return error
  return levelError(error, 'log', { cause: error, ...(sessionId !== undefined && { sessionId }) })
}

/** What a synchronous read answers with. */
export function reading<T>(read: () => T, sessionId?: string): T {
  try {
    return read()
  } catch (error) {
    throw readError(error, sessionId)
  }
}

export function raise(error: unknown, sessionId?: string): never {
  throw readError(error, sessionId)
}
