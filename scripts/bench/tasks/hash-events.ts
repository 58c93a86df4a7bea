import * as crypto from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { ClassicLevel } from 'classic-level'
import type { Verified } from './verify-store.ts'

export interface Input {
  readonly dir: string
  /** Whether the events lie in memory before the clock starts, or are read from LevelDB while it runs. */
  readonly from: 'memory' | 'disk'
}

/**
 * The bare loop: SHA-256 of each event of the log, and nothing else; from the disk, of each snapshot too. The bytes
 * are those that verify() has to hash at the least.
 */
export async function run({ dir, from }: Input): Promise<Verified> {
  const db = new ClassicLevel<string, Buffer>(join(dir, 'log'), { valueEncoding: 'buffer' })
  await db.open()
  const events: Uint8Array[] = []
  if (from === 'memory') await eachEvent(db, event => events.push(event))
  const sum = { events: 0, bytes: 0 }
  const hash = (event: Uint8Array) => {
    crypto.hash('sha256', event, 'hex')
    sum.events++
    sum.bytes += event.length
  }
  const startMs = performance.now()
  if (from === 'memory') for (const event of events) hash(event)
  else {
    await eachEvent(db, hash)
    const folder = join(dir, 'sessions_v3')
    for (const name of readdirSync(folder)) crypto.hash('sha256', readFileSync(join(folder, name)), 'hex')
  }
  const elapsedMs = performance.now() - startMs
  await db.close()
  return { ...sum, elapsedMs }
}

/** Each event with the 0 before it, as it is hashed: behind a byte and its length in four, up to the last hash. */
async function eachEvent(
  db: ClassicLevel<string, Buffer>,
  visit: (event: Uint8Array) => void,
): Promise<void> {
  for (const range of [
    { gte: 's', lt: 't' },
    { gte: 't', lt: 'u' },
  ]) {
    const iterator = db.iterator({ ...range, highWaterMarkBytes: 256 * 1024 })
    for (let page = await iterator.nextv(1000); page.length > 0; ) {
      const next = iterator.nextv(1000)
      for (const [, value] of page) {
        for (let at = 0; at + 34 < value.length; ) {
          const end = at + 6 + value.readUInt32BE(at + 1)
          visit(value.subarray(at + 5, end))
          at = end
        }
      }
      page = await next
    }
    await iterator.close()
  }
}
