import type { Save } from '../workload.ts'
import { load } from './packages.ts'
import { type Peer, type PeerKind, together } from './peer.ts'

interface FileStore {
  set(id: string, state: unknown, done: (error: Error | null) => void): void
}

type Session = () => unknown
type Factory = (session: Session) => new (options: Record<string, unknown>) => FileStore

/** session-file-store of Express: one file a session, replaced and synced at each save. Keeps no history. */
export const sessionFileStore: PeerKind = { name: 'session-file-store', payload: 'state', open }

async function open(dir: string): Promise<Peer> {
  const Store = load<Factory>('session-file-store')(load<Session>('express-session'))
  const store = new Store({ path: dir, reapInterval: -1, retries: 0, logFn: () => undefined })
  const set = (save: Save): Promise<void> =>
    new Promise((resolve, reject) => {
      // It writes the time of the last access into what it is given: a shallow copy, as a request has its own.
      store.set(save.id, { ...save.state, cookie: {} }, error => (error ? reject(error) : resolve()))
    })
  return {
    burst: saves => together(saves, set),
    single: set,
    close: async () => undefined,
  }
}
