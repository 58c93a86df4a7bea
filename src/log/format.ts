import { SessionlogError } from '../errors.ts'

/**
 * The format that this version writes: of the log, of snapshots, and of `head.json`. docs/format.md is its grammar. A
 * change that an older version would not read right makes it another number.
 */
export const FORMAT = 1

/** What this version reads. Format 0 is the same bytes under another number. */
const KNOWN: readonly unknown[] = [0, FORMAT]

/** `SESSIONLOG_FORMAT_UNSUPPORTED` where something has a format that this version does not know. */
export function assertFormat(what: string, format: unknown, path?: string): void {
  if (KNOWN.includes(format)) return
  const message = `${what} has format ${format}, this version knows up to ${FORMAT}`
  throw new SessionlogError('SESSIONLOG_FORMAT_UNSUPPORTED', message, path === undefined ? {} : { path })
}
