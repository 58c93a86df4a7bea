import { setTimeout as delay } from 'node:timers/promises'
import type { CurrentLog } from './current-log.ts'
import { hasCode, SessionlogError } from './errors.ts'
import type { Forwarder } from './forwarder.ts'
import { ended, otherStore } from './forwarding-errors.ts'
import type { Joined } from './guest.ts'
import { followedFromWire } from './link/commit-message.ts'
import type { Message } from './link/frame.ts'
import { isLinkLost } from './link/link-lost.ts'
import { MESSAGE } from './link/message.ts'
import { RemoteLog } from './link/remote-log.ts'
import { fromWire } from './link/wire-error.ts'
import type { Expiry } from './log/port.ts'
import { Membership } from './membership.ts'
import type { Settings } from './options.ts'
import type { StoreParts } from './parts.ts'
import { checkPolicies } from './policies.ts'
import { askedWork, expiriesThere, RemoteWork } from './remote-work.ts'
import type { Role } from './role.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import { Touches } from './touches.ts'
import { awaited } from './vigil.ts'
import type { Work } from './work.ts'

export interface FollowerParts<State> {
  readonly dir: string
  readonly producer: string
  readonly settings: Settings<State>
  readonly forwarder: Forwarder
  readonly log: CurrentLog
  readonly store: StoreParts<State>
  /** Told by what the next owner stands. */
  readonly onJoin: (joined: Joined) => void
  /** Makes this process the owner; false where another one is. */
  readonly lead: () => Promise<boolean>
  /** What this process is by now. */
  readonly role: () => Role
}

/** The pause between two attempts to find the next owner, or to become it, ms. */
const PAUSE_MS_MIN = 5
const PAUSE_MS_MAX = 250

/** From then on an owner that does not answer is worth a word, ms. */
const SILENCE_MS_MAX = 5_000

/** A process that follows the owner of its log, and takes the owner's place when it has gone. */
export class Follower<State> implements Role {
  readonly follows = true
  readonly touches = new Touches()
  readonly work: Work
  readonly #parts: FollowerParts<State>
  #membership: Membership | undefined
  /** Resolves when there is an owner again, or this process is it. */
  #found: Promise<void> = Promise.resolve()
  #ending = false
  #closing = false

  constructor(parts: FollowerParts<State>) {
    this.#parts = parts
    const work = askedWork(ask =>
      this.#ask(
        ({ caller }) => ask(new RemoteWork(caller)),
        ({ work }) => ask(work),
      ),
    )
    this.work = { ...work, compact: options => this.#compact(options) }
  }

  /** Follows an owner whose log has been read as it was when this process joined. */
  start(membership: Membership): void {
    const { forwarder, log, store } = this.#parts
    this.#membership = membership
    membership.listen(message => this.#take(message))
    log.follow(new RemoteLog(membership.caller))
    forwarder.attach(membership.channel)
    this.touches.restore(store.cache)
    this.touches.attach(membership.channel)
    membership.channel.onEnd(() => this.#lost())
  }

  /** What the owner has sent before its answer comes before it. */
  catchUp(): Promise<void> {
    return this.#flushOwner()
  }

  /** Any answer will do that costs the owner little: what it told anybody it has sent before. */
  hear(): Promise<void> {
    return this.#ask(
      async ({ caller }) => void (await caller.call('lastCommit')),
      owner => owner.hear(),
    )
  }

  flush(): Promise<void> {
    return this.#parts.forwarder.settled().then(() => this.#flushOwner())
  }

  complaints(): string[] {
    const { forwarder } = this.#parts
    if (this.#membership === undefined) return ['There is no owner: what is saved waits for the next one']
    const waitedMs = forwarder.waitedMs
    if (waitedMs < SILENCE_MS_MAX) return []
    return [`The owner has not answered for ${Math.round(waitedMs / 1000)} s: it is stopped, or very busy`]
  }

  tellTouch(touched: Expiry): void {
    // It may be of what was just saved.
    this.#parts.forwarder.sendGathered()
    this.touches.add(touched)
  }

  async writeTouches(): Promise<void> {}

  async close(): Promise<void> {
    const { forwarder, settings } = this.#parts
    // One that never owns the log would wait for somebody who may never come.
    if (this.#membership === undefined && settings.role === 'follower') forwarder.refuseAll(ended())
    this.#ending = true
    await forwarder.end()
    this.#closing = true
    this.#membership?.channel.close()
    if (this.#membership === undefined) this.#parts.log.end(ended())
    await awaited(this.#found)
    // It may have become the owner in the meantime.
    const role = this.#parts.role()
    if (role !== this) await role.close()
  }

  #compact(options: CompactOptions): Promise<CompactionReport> {
    const { settings, store } = this.#parts
    const compact = async ({ caller }: Membership) => {
      const report = await new RemoteWork(caller).compact(options)
      await settings.onCheckpoint?.(store.prover.sign(report.position, report.root))
      return report
    }
    return this.#ask(compact, ({ work }) => work.compact(options))
  }

  #flushOwner(): Promise<void> {
    return this.#ask(
      async ({ caller }) => void (await caller.call('flush')),
      owner => owner.flush(),
    )
  }

  /** Asks the owner; where it goes meanwhile the next one, which may be this process itself. */
  async #ask<T>(remote: (owner: Membership) => Promise<T>, local: (owner: Role) => Promise<T>): Promise<T> {
    for (;;) {
      const found = this.#found
      await awaited(found)
      const role = this.#parts.role()
      if (role !== this) return local(role)
      // Found, and gone again.
      if (found !== this.#found) continue
      if (this.#membership === undefined) throw this.#parts.forwarder.failure ?? ended()
      try {
        return await remote(this.#membership)
      } catch (error) {
        if (!isLinkLost(error)) throw error
      }
    }
  }

  #take(message: Message): void {
    const { forwarder, store } = this.#parts
    const [kind, first, second, third] = message
    if (kind === MESSAGE.COMMIT) forwarder.commit(followedFromWire(first, second))
    else if (kind === MESSAGE.HALT) {
      forwarder.halt(first as number, second as number, third)
      this.touches.restore(store.cache)
      this.touches.sendAll()
    } else if (kind === MESSAGE.FAILED) forwarder.fail(fromWire(first) as SessionlogError)
    else if (kind === MESSAGE.TOUCHED)
      this.touches.take(store.cache, first as string, second as number, third as number)
  }

  #lost(): void {
    const { forwarder, log, settings } = this.#parts
    this.#membership = undefined
    forwarder.detach()
    this.touches.detach()
    if (this.#closing) {
      log.end(ended())
      return
    }
    log.lose()
    if (this.#ending && settings.role === 'follower') forwarder.refuseAll(ended())
    this.#found = this.#findOwner()
  }

  async #findOwner(): Promise<void> {
    for (let pause = PAUSE_MS_MIN; !this.#closing; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
      if (await this.#leadOrFollow()) return
      // With nobody who waits the process may end.
      await delay(pause, undefined, { ref: false })
    }
  }

  /** True where nothing more is to be tried. */
  async #leadOrFollow(): Promise<boolean> {
    const { settings, forwarder, log, lead } = this.#parts
    try {
      return (settings.role === 'auto' && (await lead())) || (await this.#rejoin())
    } catch (err) {
      if (isLinkLost(err) || hasCode(err, 'SESSIONLOG_LOCKED')) return false
      settings.logger.error({ err }, 'The log can be neither followed nor owned any more')
      const failure = hasCode(err) ? (err as SessionlogError) : broken(err)
      forwarder.fail(failure)
      log.end(failure)
      return true
    }
  }

  /** Joins the next owner, and takes in what was recorded in between. */
  async #rejoin(): Promise<boolean> {
    const { dir, producer, forwarder, store } = this.#parts
    const membership = await Membership.join(dir, producer)
    if (membership === undefined) return false
    const { caller, channel, joined } = membership
    try {
      await caller.call('closeView', [joined.view])
      if (joined.record.origin !== store.origin) throw otherStore(dir)
      checkPolicies(joined.record, store.record)
      this.#parts.onJoin(joined)
      const pages = caller.pages<[unknown, unknown[]]>('since', [forwarder.position, joined.position])
      const parts: unknown[] = []
      const expiries = await expiriesThere(caller)
      for await (const [commit, records] of pages) {
        parts.push(...records)
        // The commit comes with the last of its records.
        if (commit !== null) forwarder.commit(followedFromWire(commit, parts.splice(0)))
      }
      store.cache.takeExpiries(expiries)
    } catch (error) {
      channel.cut()
      throw error
    }
    if (this.#closing) channel.close()
    else this.start(membership)
    return true
  }
}

function broken(cause: unknown): SessionlogError {
  const message = 'The log can be neither followed nor owned any more: open the store again to go on'
  return new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause })
}
