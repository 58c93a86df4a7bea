import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { withoutContext } from './context.ts'
import { hasCode, SessionlogError } from './errors.ts'
import { type Directory, findLostLog, identify, keepWitness } from './identity.ts'
import { FoundLog } from './log/found-log.ts'
import type { Level } from './log/level-log.ts'
import { acquireLock } from './log/lock.ts'
import { openLevelLog, wrapLevel } from './log/open-level.ts'
import { checkStoreOptions, type Settings, type StoreOptions } from './options.ts'
import { assemble, type Place } from './parts.ts'
import { rebuild } from './projection/rebuild.ts'
import { ensureDirectory, sweepTemporaries } from './snapshot/file.ts'
import { SnapshotFolder } from './snapshot/snapshot-folder.ts'
import { readWitness } from './snapshot/witness.ts'
import { SessionStore } from './store.ts'

/**
 * Opens a store in a directory, or in an abstract-level database. Reads each session's base and the events after
 * it, so it takes as long as there are sessions, not as there is history.
 *
 * @throws `SESSIONLOG_LOCKED` where another store holds the directory; `SESSIONLOG_CORRUPTION` where the log is
 * damaged; `SESSIONLOG_EVENTS_MISSING` where it has lost events; `SESSIONLOG_FORMAT_UNSUPPORTED`.
 */
export async function openStore<State = unknown>(options: StoreOptions<State>): Promise<SessionStore<State>> {
  return withoutContext(() => openAt(checkStoreOptions(options)))
}

async function openAt<State>(settings: Settings<State>): Promise<SessionStore<State>> {
  const place = await openPlace(settings)
  try {
    const store = await openIn(place, settings)
    await place.found?.accept()
    return store
  } catch (error) {
    await place.release(error)
    throw error
  }
}

async function openPlace<State>(settings: Settings<State>): Promise<Place> {
  if (settings.db !== undefined) return openDatabase(settings.db as Level)
  await ensureDirectory(settings.dir!)
  const lock = await acquireLock(settings.dir!)
  try {
    const path = lock.directory
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
      await lock.release()
    }
    return { log, directory, found, release }
  } catch (error) {
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
    return { log, directory: undefined, release }
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

async function openIn<State>(place: Place, settings: Settings<State>): Promise<SessionStore<State>> {
  const { log, directory } = place
  const { record, changed, lossAccepted, snapshotsTo } = await identify(log, directory, settings)
  const rebuilt = await rebuild(log, {
    ignoreBases: settings.rebuild ?? false,
    onProgress: settings.onProgress,
  })
  const snapshots = directory && new SnapshotFolder(directory.snapshots, record.origin, snapshotsTo)
  await snapshots?.open()
  if (directory !== undefined) await sweepTemporaries(directory.path)
  const store = assemble(place, settings, record, rebuilt, snapshots)
  if (changed) await store.writer.write(() => [{ op: 'store', record }], true)
  if (lossAccepted) {
    await place.found!.refuse()
    await keepWitness(directory!)
  }
  settings.logger.info({ sessions: rebuilt.sessions.size, position: rebuilt.tree.size }, 'The store is open')
  return new SessionStore(store)
}

function isDamage(error: unknown): boolean {
  return hasCode(error, 'SESSIONLOG_CORRUPTION') || hasCode(error, 'SESSIONLOG_EVENTS_MISSING')
}
