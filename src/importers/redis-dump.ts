import type { RowReader } from './dump-rows.ts'
import { type ForeignSession, refused, sessionIn, timeOf } from './foreign-session.ts'

export interface RedisDumpOptions {
  /** As `prefix` was. Default: `sess:`. */
  readonly prefix?: string | undefined
  /** When the dump was taken, for lines that only say how long a key has left: ms since the epoch. */
  readonly takenAt?: number | undefined
}

/**
 * A dump of connect-redis: `{"key","value"}` a line, with one of `expiresAt` (ms since the epoch, as PEXPIRETIME
 * answers), `pttl` (ms left) or `ttl` (seconds left). Redis says -1 of a key that never expires, and -2 of one that is
 * gone.
 */
export function redisRows({ prefix = 'sess:', takenAt = Date.now() }: RedisDumpOptions): RowReader {
  return (row): ForeignSession => {
    const { key, value } = row
    if (typeof key !== 'string') throw refused('the line has no key', '/key')
    if (!key.startsWith(prefix)) throw refused(`the key '${key}' does not begin with '${prefix}'`, '/key')
    if (value === undefined || value === null) throw refused('the line has no value', '/value')
    const session = sessionIn(value, 'the value')
    return { sid: key.slice(prefix.length), session, expiresAt: expiryOf(row, takenAt) }
  }
}

function expiryOf(row: Record<string, unknown>, takenAt: number): number | undefined {
  const left = (name: string, unitMs: number) => {
    const count = timeOf(row[name], name)
    if (count === -1) return undefined
    return count < 0 ? 0 : takenAt + count * unitMs
  }
  const has = (name: string) => row[name] !== undefined && row[name] !== null
  if (has('expiresAt')) {
    const at = timeOf(row.expiresAt, 'expiresAt')
    return at === -1 ? undefined : at
  }
  if (has('pttl')) return left('pttl', 1)
  if (has('ttl')) return left('ttl', 1000)
  throw refused('the line has no expiresAt, pttl or ttl: -1 says that it never expires', '/expiresAt')
}
