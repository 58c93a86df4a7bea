import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { withoutContext } from './context.ts'
import { publish } from './diagnostics.ts'
import { hasCode, SessionlogError } from './errors.ts'
import { follow } from './follow.ts'
import { isLinkLost } from './link/link-lost.ts'
import { isHeldHere } from './log/lock.ts'
import { Membership } from './membership.ts'
import { Metrics } from './metrics.ts'
import { durabilityOf, keepIdentity, withLog } from './opened-log.ts'
import { checkStoreOptions, type Settings, type StoreOptions } from './options.ts'
import { Owner, writerOf } from './owner.ts'
import { assemble, openingOf, type StoreParts } from './parts.ts'
import { ensureDirectory } from './snapshot/file.ts'
import { SessionStore } from './store.ts'

/**
 * Opens a store in a directory, or in an abstract-level database. Reads each session's base and the events after
 * it, so it takes as long as there are sessions, not as there is history. Where another process holds the directory,
 * the store follows that one, and takes its place when it goes.
 *
 * @throws `SESSIONLOG_LOCKED` where another store holds the directory and does not share it; `SESSIONLOG_CORRUPTION`
 * where the log is damaged; `SESSIONLOG_EVENTS_MISSING` where it has lost events; `SESSIONLOG_FORMAT_UNSUPPORTED`.
 */
export async function openStore<State = unknown>(options: StoreOptions<State>): Promise<SessionStore<State>> {
  return withoutContext(() => openAt(checkStoreOptions(options)))
}

/** How long an owner is looked for that is there and doesn't let anybody in yet, ms. */
const SEARCH_MS_MAX = 2_000

async function openAt<State>(settings: Settings<State>): Promise<SessionStore<State>> {
  const { role, dir } = settings
  const startMs = performance.now()
  for (const end = startMs + SEARCH_MS_MAX; ; await delay(20)) {
    try {
      if (role !== 'follower') return opened(await own(settings), startMs)
    } catch (error) {
      if (!hasCode(error, 'SESSIONLOG_LOCKED') || !mayFollow(settings) || performance.now() > end) throw error
    }
    if (role === 'follower') await ensureDirectory(dir!)
    const producer = randomBytes(16).toString('hex')
    try {
      const membership = await Membership.join(dir!, producer)
      if (membership !== undefined) return opened(await follow(settings, membership, producer), startMs)
    } catch (error) {
      // It has gone in the meantime: there is another one, or this process is it.
      if (!isLinkLost(error)) throw error
    }
    if (role === 'follower' && performance.now() > end) throw noOwner(dir!)
  }
}

function opened<State>(parts: StoreParts<State>, startMs: number): SessionStore<State> {
  publish('sessionlog:open', () => openingOf(parts, { tookOver: false, startMs }))
  return new SessionStore(parts)
}

async function own<State>(settings: Settings<State>): Promise<StoreParts<State>> {
  return withLog(settings, async opened => {
    const { place, identity, rebuilt, snapshots } = opened
    const { record } = identity
    const { sessions, recordedAt, tree } = rebuilt
    const { log, host } = place
    const metrics = new Metrics()
    let writer!: ReturnType<typeof writerOf>
    let role!: Owner<State>
    const store: StoreParts<State> = assemble({
      settings,
      record,
      log,
      durability: () => durabilityOf(settings, log),
      sessions,
      recordedAt,
      writer: feed => {
        writer = writerOf({ settings, origin: record.origin, log, tree, host, metrics }, feed)
        return writer
      },
      role: () => role,
    })
    await keepIdentity(opened, writer)
    role = new Owner({ settings, place, record, tree, writer, snapshots, metrics, store })
    store.expiries.planAll()
    settings.logger.info({ sessions: sessions.size, position: tree.size }, 'The store is open')
    return store
  })
}

/** Two stores on one directory in one process are more likely a slip than a wish: that has to be asked for. */
function mayFollow<State>({ dir, share, role }: Settings<State>): boolean {
  return dir !== undefined && share && role === 'auto' && !isHeldHere(dir)
}

function noOwner(path: string): SessionlogError {
  const message = `No process that shares '${path}' holds it: there is nobody to follow`
  return new SessionlogError('SESSIONLOG_LOCKED', message, { path })
}
