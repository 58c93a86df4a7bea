import { createRequire } from 'node:module'
import { PeerAbsent } from './peer.ts'

const require = createRequire(import.meta.url)

/**
 * A package of the bench's own package.json, typed by the few calls that its peer makes: the project's type
 * check has to pass where the bench's packages aren't installed.
 */
export function load<T>(name: string): T {
  try {
    return require(name) as T
  } catch (cause) {
    const code = (cause as { code?: string }).code
    const remedy = code === 'MODULE_NOT_FOUND' ? 'npm ci --prefix scripts/bench' : String(cause)
    throw new PeerAbsent(`${name} not installed: ${remedy}`, { cause })
  }
}
