import { hasCode } from './errors.ts'

/** The same outcome. Where it is the disk's failure, nobody has to wait for it. */
export function excuse<T>(promise: Promise<T>): Promise<T> {
  const excused = new Promise<T>((resolve, reject) => {
    promise.then(resolve, error => {
      if (hasCode(error, 'SESSIONLOG_IO_ERROR')) excused.catch(() => {})
      reject(error)
    })
  })
  return excused
}

/** A method that checks first and promises then: what it throws, rejects. */
export function settle<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call()
  } catch (error) {
    const rejected = Promise.reject(error)
    // The disk's failure is told by status, commits and the logger; a caller's own mistake is the caller's.
    if (hasCode(error, 'SESSIONLOG_IO_ERROR')) rejected.catch(() => {})
    return rejected
  }
}
