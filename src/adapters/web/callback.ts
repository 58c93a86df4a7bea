/** As the stores of express-session call back. */
export type Callback<T = void> = (error: unknown, result?: T) => void

/** Settles as `work` does; what it throws becomes a rejection. */
export function promised<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * Calls back once, after the call has returned, and outside of any `try` or promise of ours: what the callback throws is an
 * uncaught exception, as with any callback of Node.js.
 */
export function answer<T>(callback: Callback<T> | undefined, work: () => T | Promise<T>): void {
  const fail = (error: unknown) => callback && process.nextTick(callback, error)
  const succeed = (result: T) => callback && process.nextTick(callback, null, result)
  let result: T | Promise<T>
  try {
    result = work()
  } catch (error) {
    return void fail(error)
  }
  if (result instanceof Promise) result.then(succeed, fail)
  else succeed(result)
}
