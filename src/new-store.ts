import { randomBytes } from 'node:crypto'
import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { wrong } from './arguments.ts'
import { SessionlogError } from './errors.ts'
import { FORKED } from './event.ts'
import { decodePayload } from './log/codec.ts'
import type { LogOperation } from './log/port.ts'
import type { RawEvent } from './log/record.ts'
import { cutSegments } from './log/segment.ts'
import { openStore } from './open.ts'
import { ensureDirectory } from './snapshot/file.ts'
import type { SessionStore } from './store.ts'

/**
 * Makes a store out of events that are there already, in a directory that is empty or not there: beside it, and moved when
 * it is whole, because a part of a store must not be taken for one. Nothing is left of it where `make` fails.
 */
export async function makeStore<T>(dir: string, make: (place: string) => Promise<T>): Promise<T> {
  await checkEmpty(dir)
  const place = `${resolve(dir)}.${randomBytes(4).toString('hex')}.restoring`
  try {
    await ensureDirectory(place)
    const result = await make(place)
    await rmdir(dir).catch(() => {})
    await rename(place, dir)
    return result
  } catch (error) {
    await rm(place, { recursive: true, force: true })
    throw error
  }
}

/** What brings consecutive events of a session into a log, with all that leads to them but their commits. */
export function operationsOf(run: readonly RawEvent[]): LogOperation[] {
  const last = run.at(-1)
  if (last === undefined) return []
  const { sessionId, version: lastVersion } = last
  return [{ op: 'seal', sessionId, lastVersion, segments: cutSegments(run) }, ...run.flatMap(indexOf)]
}

/**
 * Reads all that was written, from the first event on, and makes bases and snapshots. Nothing ends by itself up to the
 * time of the last commit.
 */
export async function settleStore<T>(
  dir: string,
  recordedAt: number,
  use: (store: SessionStore<unknown>, root: string) => T | Promise<T>,
): Promise<T> {
  const clock = () => recordedAt
  const store = await openStore({ dir, clock, rebuild: true, role: 'owner', share: false, compactEvery: 0 })
  try {
    const { root } = await store.compact({ full: true })
    return await use(store, root)
  } finally {
    await store.close()
  }
}

/** What leads to an event besides its session and its version. */
function indexOf(event: RawEvent): LogOperation[] {
  const { sessionId, version } = event
  const { eventId, type, data, importedFrom } = decodePayload(event).facts
  const operations: LogOperation[] = []
  if (eventId !== undefined) operations.push({ op: 'eventId', sessionId, eventId, version })
  if (type === FORKED && importedFrom === undefined) {
    const parent = (data as { from: { sessionId: string; version: number } }).from
    operations.push({ op: 'fork', sessionId: parent.sessionId, version: parent.version, child: sessionId })
  }
  return operations
}

export async function checkEmpty(dir: string): Promise<void> {
  const files = await readdir(dir).catch(error => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot read '${dir}'`, { cause: error, path: dir })
  })
  if (files.length > 0) throw wrong(`'${dir}' is not empty: a store is only made beside what is there`, 'dir')
}
