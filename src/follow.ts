import { CurrentLog } from './current-log.ts'
import { publish } from './diagnostics.ts'
import { hasCode } from './errors.ts'
import type { Durability, Receipt } from './event.ts'
import { Follower } from './follower.ts'
import { Forwarder } from './forwarder.ts'
import { otherStore } from './forwarding-errors.ts'
import type { Wish } from './intent.ts'
import { RemoteView } from './link/remote-log.ts'
import type { Append } from './log/commit.ts'
import { readFollowed } from './log/followed.ts'
import type { StoreRecord } from './log/port.ts'
import { corrupted } from './log/record.ts'
import type { Membership } from './membership.ts'
import { Metrics } from './metrics.ts'
import { durabilityOf, keepIdentity, type OpenedLog, withLog } from './opened-log.ts'
import type { Settings } from './options.ts'
import { Owner, writerOf } from './owner.ts'
import { assemble, openingOf, type StoreParts } from './parts.ts'
import { checkPolicies } from './policies.ts'
import { type Rebuilt, rebuild } from './projection/rebuild.ts'
import type { Session } from './projection/session.ts'
import { Relay } from './relay.ts'
import { expiriesThere } from './remote-work.ts'
import type { Role } from './role.ts'

/** Opens a store that follows the owner of its log, and becomes the owner when that one goes. */
export async function follow<State>(
  settings: Settings<State>,
  membership: Membership,
  producer: string,
): Promise<StoreParts<State>> {
  const { joined, caller, channel } = membership
  const { record } = joined
  try {
    checkPolicies(record, settings)
    const view = new RemoteView(caller, joined.view)
    const options = { ignoreBases: settings.rebuild ?? false, onProgress: settings.onProgress }
    const rebuilt = await rebuild(view, options)
    await view.close()
    const expiries = await expiriesThere(caller)
    const followed = new Followed(settings, record, rebuilt, joined.durability, producer)
    followed.store.cache.takeExpiries(expiries)
    followed.follower.start(membership)
    settings.logger.info({ position: rebuilt.tree.size }, 'The store is open, and follows another process')
    return followed.store
  } catch (error) {
    channel.cut()
    throw error
  }
}

/** A store whose log is somewhere else, until it is here. */
class Followed<State> {
  readonly store: StoreParts<State>
  readonly follower: Follower<State>
  readonly #settings: Settings<State>
  readonly #log = new CurrentLog()
  readonly #forwarder: Forwarder
  readonly #relay: Relay
  #durability: Durability
  #role: Role

  constructor(
    settings: Settings<State>,
    record: StoreRecord,
    { sessions, recordedAt, tree }: Rebuilt,
    durability: Durability,
    producer: string,
  ) {
    let forwarder!: Forwarder
    let relay!: Relay
    this.#settings = settings
    this.#durability = durability
    this.store = assemble({
      settings,
      record,
      log: this.#log,
      durability: () => this.#durability,
      sessions,
      recordedAt,
      writer: feed => {
        const flush = () => this.#role.flush()
        forwarder = new Forwarder({ ...feed, producer, flush }, tree.size)
        relay = new Relay(forwarder)
        return relay
      },
      role: () => this.#role,
    })
    this.#forwarder = forwarder
    this.#relay = relay
    this.follower = new Follower({
      dir: settings.dir!,
      producer,
      settings,
      forwarder,
      log: this.#log,
      store: this.store,
      onJoin: joined => {
        this.#durability = joined.durability
      },
      lead: () => this.#lead(),
      role: () => this.#role,
    })
    this.#role = this.follower
  }

  /** Becomes the owner; false where another process is. */
  async #lead(): Promise<boolean> {
    try {
      await withLog(this.#settings, opened => this.#takeOver(opened))
      return true
    } catch (error) {
      if (hasCode(error, 'SESSIONLOG_LOCKED')) return false
      throw error
    }
  }

  /**
   * What the last owner recorded and didn't get to say is taken in; then whatever of ours is left is written here. Up to
   * then readers see what they saw, and what is saved waits.
   */
  async #takeOver(opened: OpenedLog): Promise<void> {
    const { place, identity, rebuilt, snapshots } = opened
    const { log, host } = place
    const { tree, recordedAt } = rebuilt
    const startMs = performance.now()
    const settings = this.#settings
    const { store } = this
    const { recorder, expiries } = store
    if (identity.record.origin !== store.origin) throw otherStore(settings.dir!)
    for await (const commit of readFollowed(log, this.#forwarder.position, tree.size))
      this.#forwarder.commit(commit)
    takeHeads(store, rebuilt)
    const metrics = new Metrics()
    const writer = writerOf({ settings, origin: store.origin, log, tree, host, metrics }, store)
    await keepIdentity(opened, writer)
    // From here on nothing waits: what is saved goes either all the old way or all the new one.
    this.#log.own(log)
    const left = this.#forwarder.surrender(append => this.#known(append))
    recorder.date([], recordedAt)
    this.#durability = durabilityOf(settings, log)
    this.#relay.target = writer
    this.#role = new Owner({
      settings,
      place,
      record: identity.record,
      tree,
      writer,
      snapshots,
      metrics,
      store,
    })
    for (const transaction of left) {
      recorder.date(transaction.appends)
      writer.push(transaction)
    }
    for (const { sessionId, expiresAt } of this.follower.touches.untold) {
      const session = store.cache.sessions.get(sessionId)
      if (session?.exists) expiries.touch(session, expiresAt)
    }
    expiries.planAll()
    publish('sessionlog:open', () => openingOf(store, { tookOver: true, startMs }))
    settings.logger.info(
      { position: tree.size },
      'The process that held the store has gone: this one holds it now',
    )
  }

  /** The receipt of an event that another process recorded with the same id, while this one's was under way. */
  #known(append: Append): Promise<Receipt> | undefined {
    const { eventId, type, data } = append.facts
    if (eventId === undefined) return undefined
    const isEdit = (append.wish as Wish).intent.kind === 'edit'
    const state = isEdit ? undefined : { value: append.state }
    return this.store.duplicates.recorded(append.head as Session, eventId, { type, data, state })
  }
}

/** What only the owner of a log knows of its sessions. They must be those that this process knew. */
function takeHeads<State>({ cache }: StoreParts<State>, { sessions }: Rebuilt): void {
  for (const read of sessions.values()) {
    const known = cache.sessions.get(read.id)
    if (known?.acknowledged.hash !== read.hash)
      throw corrupted(read.id, read.version, 'is not the one that was followed')
    known.takeHead(read)
    // A touch that this process did not hear of.
    if (!known.isAhead && known.expiresAt !== read.expiresAt) cache.touch(known, read.expiresAt)
  }
}
