import { loadStore, type Store } from '../sessionlog.ts'
import type { State } from '../workload.ts'
import { type Opened, opening } from './memory.ts'

export interface Input {
  readonly dir: string
  readonly rebuild?: boolean
  /** Whether to read every state too, for its memory. */
  readonly readAll?: boolean
}

export async function run({ dir, rebuild = false, readAll = false }: Input): Promise<Opened> {
  const openStore = await loadStore()
  let store: Store<State> | undefined
  const opened = await opening(
    async () => {
      store = await openStore<State>({ dir, compactEvery: 0, ...(rebuild ? { rebuild } : {}) })
      return store
    },
    readAll ? readEach : undefined,
  )
  await store?.close()
  return opened
}

function readEach(store: Store<State>): void {
  for (const id of store.ids()) if (store.get(id) === undefined) throw new Error(`No state: ${id}`)
}
