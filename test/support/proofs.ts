import type { MemoryLevel } from 'memory-level'
import type { Level } from '../../src/log/level-pages.ts'
import { wrapLevel } from '../../src/log/open-level.ts'
import { LogReader } from '../../src/log/reader.ts'
import { KIND, type RawEvent } from '../../src/log/record.ts'
import { originLine, signCheckpoint } from '../../src/proof/checkpoint.ts'
import { generateKey, type KeyPair } from '../../src/proof/key.ts'
import { prove } from '../../src/proof/prove.ts'
import { treeRoot } from '../../src/proof/tree.ts'
import { collect } from './outcome.ts'

/** What a log holds, and a key for its checkpoints. */
export interface Logged {
  readonly origin: string
  /** In position order. */
  readonly events: readonly RawEvent[]
  readonly leaves: Uint8Array
  readonly key: KeyPair
}

/** Reads the log of a store that keeps it in this database, beside the store. */
export async function readLog(db: MemoryLevel): Promise<Logged> {
  const log = await wrapLevel(db as unknown as Level)
  await collect(log.tail())
  const last = (await log.lastCommit())?.lastPosition ?? 0
  const events = (await collect(new LogReader(log).positions(0, last))).flat()
  const leaves = Buffer.from(events.map(event => event.hash).join(''), 'hex')
  const origin = originLine((await log.readStore())!.origin)
  return { origin, events, leaves, key: generateKey(origin) }
}

export function checkpointOf({ origin, leaves, key }: Logged, size = leaves.length / 32): string {
  return signCheckpoint({ origin, size, root: treeRoot(leaves, size) }, key.skey)
}

/** The session's events from the last whole state up to this one. */
export function runTo({ events }: Logged, event: RawEvent): RawEvent[] {
  const own = events.filter(each => each.sessionId === event.sessionId && each.version <= event.version)
  return own.slice(own.findLastIndex(each => each.kind !== KIND.CHANGES))
}

export function proofOf(logged: Logged, event: RawEvent, checkpoint = checkpointOf(logged)): string {
  const run = runTo(logged, event).map(each => each.bytes)
  return prove({ run, leaves: logged.leaves, index: event.position - 1, checkpoint })
}
