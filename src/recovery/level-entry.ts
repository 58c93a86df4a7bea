/** What LevelDB holds under a key, in one of its files. */
export interface LevelEntry {
  readonly key: Buffer
  /** Undefined where the key was deleted. */
  readonly value: Buffer | undefined
  /** When it was written: of two of one key the greater one counts. */
  readonly sequence: number
}

/** Told of bytes that are not as LevelDB wrote them: where they begin, and what is wrong. */
export type OnDamage = (at: number, what: string) => void

/** Kinds of entries. */
export const VALUE = 1
/** Where a block or a piece of a log is followed by how it is packed and by its checksum. */
export const CHECKSUM_BYTES = 4

/** Runs what throws a `RangeError` where bytes are not what they should be; then undefined. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
