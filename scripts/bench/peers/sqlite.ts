import { join } from 'node:path'
import { EVENT, type Save } from '../workload.ts'
import { Gather } from './gather.ts'
import { load } from './packages.ts'
import type { Peer, PeerKind } from './peer.ts'

interface Database {
  pragma(text: string): unknown
  exec(sql: string): unknown
  prepare(sql: string): { run(...values: unknown[]): unknown }
  transaction<T extends unknown[]>(run: (...args: T) => void): (...args: T) => void
  close(): void
}

/**
 * better-sqlite3 grouped: WAL, synchronous=FULL (a commit is on the disk), one prepared statement, events clustered
 * by session and version (WITHOUT ROWID), a 64 MB page cache. A burst is one transaction, without a promise a save;
 * callers who await theirs are gathered.
 */
export const sqliteEvent = grouped('better-sqlite3 grouped, 200-byte event', 'event')
export const sqliteState = grouped('better-sqlite3 grouped, whole state', 'state')

/** Pages of 16 kB, not SQLite's 4: near twice as quick for whole states of 1 kB, slower for small events. */
export const sqliteTuned = grouped('better-sqlite3 grouped, whole state, 16 kB pages', 'state', 16_384)

/** A transaction a save, never leaving the thread: quickest for one caller, and the event loop stands still. */
export const sqliteSingle: PeerKind = {
  name: 'better-sqlite3, a transaction a save',
  payload: 'event',
  async open(dir) {
    const peer = await open(dir, 'event')
    const single = (save: Save): Promise<void> => peer.burst([save])
    return { ...peer, single }
  },
}

function grouped(name: string, payload: 'event' | 'state', pageBytes?: number): PeerKind {
  return { name, payload, open: dir => open(dir, payload, pageBytes) }
}

async function open(dir: string, payload: 'event' | 'state', pageBytes = 4096): Promise<Peer> {
  const Sqlite = load<new (file: string) => Database>('better-sqlite3')
  const db = new Sqlite(join(dir, 'events.sqlite'))
  db.pragma(`page_size = ${pageBytes}`)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('cache_size = -65536')
  db.exec(
    'CREATE TABLE events (session TEXT, version INTEGER, body BLOB, PRIMARY KEY (session, version)) WITHOUT ROWID',
  )
  const insert = db.prepare('INSERT INTO events VALUES (?, ?, ?)')
  let version = 0
  const group = db.transaction((saves: readonly Save[]) => {
    for (const save of saves) {
      insert.run(save.id, ++version, payload === 'event' ? EVENT : JSON.stringify(save.state))
    }
  })
  const callers = new Gather<Save>(group)
  return {
    burst: async saves => group(saves),
    single: save => callers.add(save),
    close: async () => db.close(),
  }
}
