import { performance } from 'node:perf_hooks'
import { loadStore } from '../sessionlog.ts'

/** How long it took to go through all events, and what else there was. */
export interface Verified {
  readonly events: number
  readonly bytes: number
  readonly elapsedMs: number
}

/** verify(), of a store that was just opened. */
export async function run({ dir }: { dir: string }): Promise<Verified> {
  const openStore = await loadStore()
  const store = await openStore<object>({ dir, compactEvery: 0 })
  const startMs = performance.now()
  const { ok, position } = await store.verify()
  const elapsedMs = performance.now() - startMs
  await store.close()
  if (!ok) throw new Error('The store is damaged')
  return { events: position, bytes: 0, elapsedMs }
}
