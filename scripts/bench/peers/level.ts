import { ClassicLevel } from 'classic-level'
import { EVENT, type Save } from '../workload.ts'
import type { Peer, PeerKind } from './peer.ts'

/**
 * Raw classic-level: the ceiling of anything built on it. A put an event, one chained batch a burst, always the
 * same 200-byte value: no diff, no hash, no encoding, no promise a save. LevelDB's own defaults measured fastest.
 */
export const level: PeerKind = { name: 'raw classic-level, a put an event', payload: 'event', open }

async function open(dir: string): Promise<Peer> {
  const db = new ClassicLevel<string, Uint8Array>(dir, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await db.open()
  let position = 0
  const keyOf = (save: Save): string => `${save.id}!${String(++position).padStart(12, '0')}`
  return {
    async burst(saves) {
      const batch = db.batch()
      for (const save of saves) batch.put(keyOf(save), EVENT)
      await batch.write({ sync: true })
    },
    single: save => db.put(keyOf(save), EVENT, { sync: true }),
    close: () => db.close(),
  }
}
