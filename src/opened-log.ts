import { join } from 'node:path'
import type { Durability } from './event.ts'
import { type Identity, identify, keepWitness } from './identity.ts'
import type { EventLog, StoreRecord } from './log/port.ts'
import type { Writer } from './log/writer.ts'
import type { Settings } from './options.ts'
import { openPlace, type Place } from './place.ts'
import { type Rebuilt, rebuild } from './projection/rebuild.ts'
import { replaceFile, sweepTemporaries } from './snapshot/file.ts'
import { SnapshotFolder } from './snapshot/snapshot-folder.ts'

/** A log that this process owns, read. */
export interface OpenedLog {
  readonly place: Place
  readonly identity: Identity
  readonly rebuilt: Rebuilt
  readonly snapshots: SnapshotFolder | undefined
}

/** Makes this process the owner of a log, and does something with it: where that fails, it is let go of again. */
export async function withLog<State, T>(
  settings: Settings<State>,
  use: (opened: OpenedLog) => Promise<T>,
): Promise<T> {
  const place = await openPlace(settings)
  try {
    const result = await use(await readPlace(place, settings))
    await place.found?.accept()
    return result
  } catch (error) {
    await place.release(error)
    throw error
  }
}

/** Writes down what opening the log has changed of it. */
export async function keepIdentity({ place, identity }: OpenedLog, writer: Writer): Promise<void> {
  const { record, changed, before, lossAccepted } = identity
  if (before !== undefined && place.directory !== undefined) await keepRecord(place.directory.path, before)
  if (changed) await writer.write(() => [{ op: 'store', record }], true)
  if (!lossAccepted) return
  await place.found!.refuse()
  await keepWitness(place.directory!)
}

/** What an older version would need to go on with the store; one entry of the log is all that an upgrade changes. */
async function keepRecord(directory: string, record: StoreRecord): Promise<void> {
  const path = join(directory, `store-format-${record.format}.json`)
  await replaceFile(path, `${JSON.stringify(record, null, 2)}\n`)
}

/** What a receipt vouches for. */
export function durabilityOf<State>({ durability }: Settings<State>, log: EventLog): Durability {
  return durability === 'sync' || log.durability === 'memory' ? log.durability : 'buffered'
}

async function readPlace<State>(place: Place, settings: Settings<State>): Promise<OpenedLog> {
  const { log, directory } = place
  const identity = await identify(log, directory, settings)
  const rebuilt = await rebuild(log, {
    ignoreBases: settings.rebuild ?? false,
    onProgress: settings.onProgress,
  })
  const { record, snapshotsTo } = identity
  const snapshots = directory && new SnapshotFolder(directory.snapshots, record.origin, snapshotsTo)
  await snapshots?.open()
  if (directory !== undefined) await sweepTemporaries(directory.path)
  return { place, identity, rebuilt, snapshots }
}
