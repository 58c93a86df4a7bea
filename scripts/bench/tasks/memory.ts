import { performance } from 'node:perf_hooks'

/** What a way of starting costs: in time, in memory, and once every state has been read. */
export interface Opened {
  readonly sessions: number
  readonly elapsedMs: number
  readonly bytes: number
  readonly bytesOnceRead: number
}

/**
 * Times `open` and weighs what it leaves. It is a call of its own: what only it used, a file's text, say, has to
 * be garbage when it returns.
 */
export async function opening<T extends { readonly size: number }>(
  open: () => Promise<T> | T,
  readAll: (opened: T) => void = () => undefined,
): Promise<Opened> {
  const before = heldBytes()
  const startMs = performance.now()
  const opened = await open()
  const elapsedMs = performance.now() - startMs
  const bytes = heldBytes() - before
  readAll(opened)
  const bytesOnceRead = heldBytes() - before
  return { sessions: opened.size, elapsedMs, bytes, bytesOnceRead }
}

/**
 * Heap and external bytes after a full collection; LevelDB's own, outside V8, are not among them. `external`
 * already counts array buffers.
 */
function heldBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
