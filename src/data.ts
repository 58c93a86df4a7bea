import { SessionlogError } from './errors.ts'
import { reconcile } from './state/reconcile.ts'

/** The caller's `data`, isolated and frozen. What cannot be stored in it is refused with a path that begins with `data`. */
export function isolateData(data: unknown): unknown {
  if (data === undefined) return undefined
  try {
    return reconcile(undefined, data).state
  } catch (error) {
    if (!(error instanceof SessionlogError)) throw error
    const path = `data${error.path}`
    throw new SessionlogError(error.code, `data: ${error.message}`, { cause: error, path })
  }
}
