import type { AbstractIterator, AbstractLevel, AbstractSnapshot } from 'abstract-level'
import { readError } from './level-error.ts'

export type Snapshot = AbstractSnapshot
export type Level = AbstractLevel<string | Buffer | Uint8Array, string, Buffer>

/** How many entries are read at once on a pass over everything. */
export const PAGE = 1000

/** Pages of up to `size` entries, with the next on its way; from a `size` of 1 they grow, and none is read ahead. */
export async function* readPages<T>(
  iterator: AbstractIterator<Level, string, Buffer>,
  decode: (key: string, value: Buffer) => T,
  size: number,
  signal?: AbortSignal,
  sessionId?: string,
): AsyncIterable<readonly T[]> {
  const ahead = size > 1
  const read = (count: number) => {
    const page = iterator.nextv(count)
    page.catch(() => {})
    return page
  }
  let next: Promise<[string, Buffer][]> | undefined
  try {
    for (let count = size; ; count = Math.min(count * 4, PAGE)) {
      signal?.throwIfAborted()
      const page = await (next ?? read(count))
      if (page.length === 0) return
      if (ahead) next = read(PAGE)
      yield page.map(([key, value]) => decode(key, value))
    }
  } catch (error) {
    throw readError(error, sessionId)
  } finally {
    await iterator.close()
  }
}
