import { join } from 'node:path'
import { EVENT, type Save } from '../workload.ts'
import { load } from './packages.ts'
import { type Peer, type PeerKind, together } from './peer.ts'

interface EventStore {
  appendToStream(stream: string, events: { type: string; data: unknown }[]): Promise<unknown>
}

interface Emmett {
  getSQLiteEventStore(options: Record<string, unknown>): EventStore
}

/**
 * emmett on SQLite (it sets WAL itself; SQLite's default is synchronous=FULL): an append is a transaction, on one
 * stream a session. It opens a connection an append, and appends under way at once collide: they go in turn. Even
 * so it fails now and then, as it doesn't await its own PRAGMA before the transaction: then it is asked again.
 */
export const emmett: PeerKind = { name: 'emmett-sqlite, 200-byte event', payload: 'event', open }

async function open(dir: string): Promise<Peer> {
  const { getSQLiteEventStore } = load<Emmett>('@event-driven-io/emmett-sqlite')
  const store = getSQLiteEventStore({
    fileName: join(dir, 'events.sqlite'),
    schema: { autoMigration: 'CreateOrUpdate' },
  })
  const data = { change: EVENT.toString('latin1') }
  const append = async (save: Save, triesLeft = 5): Promise<void> => {
    try {
      await store.appendToStream(save.id, [{ type: 'saved', data }])
    } catch (error) {
      if (triesLeft === 0) throw error
      await append(save, triesLeft - 1)
    }
  }
  let last: Promise<void> = Promise.resolve()
  const single = (save: Save): Promise<void> => {
    last = last.then(() => append(save))
    return last
  }
  return {
    burst: saves => together(saves, single),
    single,
    close: async () => undefined,
  }
}
