import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, SessionlogError } from './errors.ts'
import { Host } from './host.ts'
import { type Directory, findLostLog } from './identity.ts'
import { FoundLog } from './log/found-log.ts'
import type { Level } from './log/level-pages.ts'
import { acquireLock } from './log/lock.ts'
import { openLevelLog, wrapLevel } from './log/open-level.ts'
import type { EventLog } from './log/port.ts'
import type { Settings } from './options.ts'
import { ensureDirectory } from './snapshot/file.ts'
import { readWitness } from './snapshot/witness.ts'

/** What a store stands on. */
export interface Place {
  readonly log: EventLog
  readonly directory: Directory | undefined
  /** Lets other processes in; undefined where the store is not shared. */
  readonly host: Host | undefined
  /** LevelDB's files as they were before it opened them. */
  readonly found?: FoundLog
  /** Lets go of the place, because of a refusal or at the end. */
  readonly release: (refusal?: unknown) => Promise<void>
}

/** Makes this process the owner of a place, or rejects with `SESSIONLOG_LOCKED`. */
export async function openPlace<State>(settings: Settings<State>): Promise<Place> {
  if (settings.db !== undefined) return openDatabase(settings.db as Level)
  await ensureDirectory(settings.dir!)
  const host = settings.share ? new Host() : undefined
  const lock = await acquireLock(settings.dir!, host?.door)
  try {
    const path = lock.directory
    await host?.prepare(path)
    const directory = { path, snapshots: join(path, 'sessions_v3') }
    if (!existsSync(join(path, 'log')) && !settings.acceptLoss) await refuseLostLog(directory)
    const found = new FoundLog(path)
    await found.keep()
    const log = await openLevelLog(join(path, 'log')).catch(async error => {
      // What LevelDB itself refuses, it leaves as it was.
      await found.discard()
      throw error
    })
    const release = async (refusal?: unknown) => {
      await log.close()
      if (isDamage(refusal)) await found.refuse()
      else await found.discard()
      await host?.close()
      await lock.release()
    }
    return { log, directory, host, found, release }
  } catch (error) {
    await host?.close()
    await lock.release()
    throw error
  }
}

/** Databases that a store of this process holds; between processes they guard themselves, or not. */
const held = new WeakSet<object>()

async function openDatabase(db: Level): Promise<Place> {
  if (held.has(db)) throw new SessionlogError('SESSIONLOG_LOCKED', 'Another store holds this database')
  held.add(db)
  try {
    const log = await wrapLevel(db)
    const release = () => log.close().finally(() => held.delete(db))
    return { log, directory: undefined, host: undefined, release }
  } catch (error) {
    held.delete(db)
    throw error
  }
}

/** Before a new log is made in the place of the one that was lost. */
async function refuseLostLog(directory: Directory): Promise<void> {
  const loss = await findLostLog(directory, await readWitness(directory.path))
  if (loss !== undefined) throw loss
}

function isDamage(error: unknown): boolean {
  return hasCode(error, 'SESSIONLOG_CORRUPTION') || hasCode(error, 'SESSIONLOG_EVENTS_MISSING')
}
