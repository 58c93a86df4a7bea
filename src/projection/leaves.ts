import { SessionlogError } from '../errors.ts'
import type { LogReads, LogRecord } from '../log/port.ts'
import { readRecord } from '../log/record.ts'
import type { PrunedEvent } from '../log/retention.ts'

const HASH_BYTES = 32

/**
 * The hashes of the events up to a position, one after another: the leaves of the tree. Every event is read and
 * hashed; 32 bytes an event are kept. REQUIRES: all is read as it was at one moment.
 */
export async function readLeaves(log: LogReads, size: number, signal?: AbortSignal): Promise<Uint8Array> {
  const leaves = Buffer.alloc(HASH_BYTES * size)
  let found = 0
  const note = ({ position, hash }: Pick<PrunedEvent, 'position' | 'hash'>) => {
    if (position > size) return
    leaves.write(hash, HASH_BYTES * (position - 1), HASH_BYTES, 'hex')
    found++
  }
  const take = (page: readonly LogRecord[]) => {
    for (const record of page) for (const event of readRecord(record)) note(event)
  }
  for await (const page of log.pruned(signal)) {
    for (const { events } of page) for (const event of events) note(event)
  }
  for await (const page of log.sealed(signal)) take(page)
  for await (const page of log.tail(signal)) take(page)
  if (found === size) return leaves
  const message = `The log has ${found} of ${size} events: verify() says which are missing`
  throw new SessionlogError('SESSIONLOG_CORRUPTION', message)
}
