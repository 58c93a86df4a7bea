import { setTimeout as delay } from 'node:timers/promises'
import type { CurrentLog } from './current-log.ts'
import { hasCode, SessionlogError } from './errors.ts'
import type { Forwarder } from './forwarder.ts'
import type { Message } from './link/frame.ts'
import { isLinkLost } from './link/link-lost.ts'
import { MESSAGE } from './link/message.ts'
import { RemoteLog } from './link/remote-log.ts'
import { fromWire } from './link/wire-error.ts'
import { followedFromWire } from './link/wire-log.ts'
import type { Expiry } from './log/port.ts'
import { Membership } from './membership.ts'
import type { Settings } from './options.ts'
import type { StoreParts } from './parts.ts'
import type { Role } from './role.ts'
import type { CompactionReport, CompactOptions } from './snapshot/compaction.ts'
import type { LogStats } from './stats.ts'
import type { VerifyOptions, VerifyReport } from './verify.ts'

export interface FollowerParts<State> {
  readonly dir: string
  readonly producer: string
  readonly settings: Settings<State>
  readonly forwarder: Forwarder
  readonly log: CurrentLog
  readonly store: StoreParts<State>
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
  readonly #parts: FollowerParts<State>
  #membership: Membership | undefined
  /** Resolves when there is an owner again, or this process is it. */
  #found: Promise<void> = Promise.resolve()
  #closing = false

  constructor(parts: FollowerParts<State>) {
    this.#parts = parts
  }

  /** Follows an owner whose log has been read as it was when this process joined. */
  start(membership: Membership): void {
    const { forwarder, log } = this.#parts
    this.#membership = membership
    membership.listen(message => this.#take(message))
    log.follow(new RemoteLog(membership.caller))
    forwarder.attach(membership.channel)
    membership.channel.onEnd(() => this.#lost())
  }

  /** What the owner has sent before its answer comes before it. */
  async catchUp(): Promise<void> {
    await this.#flushOwner()
  }

  async flush(): Promise<void> {
    await this.#parts.forwarder.settled()
    await this.#flushOwner()
  }

  compact(options: CompactOptions): Promise<CompactionReport> {
    const { signal, full = false, wait = true, onProgress } = options
    const onPage = (report: unknown) => onProgress?.(reportOf(report))
    return this.#ask(
      async ({ caller }) => {
        const report = reportOf(await caller.call('compact', [full, wait], { signal, onPage }))
        const { settings, store } = this.#parts
        await settings.onCheckpoint?.(store.prover.sign(report.position, report.root))
        return report
      },
      owner => owner.compact(options),
    )
  }

  verify(options: VerifyOptions): Promise<VerifyReport> {
    const { checkpoint, key, signal, onProgress } = options
    const onPage = (progress: unknown) => onProgress?.(progress as never)
    return this.#ask(
      ({ caller }) => caller.call('verify', [checkpoint, key], { signal, onPage }) as Promise<VerifyReport>,
      owner => owner.verify(options),
    )
  }

  stats(): Promise<LogStats> {
    return this.#ask(
      ({ caller }) => caller.call('stats') as Promise<LogStats>,
      owner => owner.stats(),
    )
  }

  complaints(): string[] {
    const { forwarder } = this.#parts
    if (this.#membership === undefined) return ['There is no owner: what is saved waits for the next one']
    const waitedMs = forwarder.waitedMs
    if (waitedMs < SILENCE_MS_MAX) return []
    return [`The owner has not answered for ${Math.round(waitedMs / 1000)} s: it is stopped, or very busy`]
  }

  tellTouch({ sessionId, expiresAt }: Expiry): void {
    this.#membership?.channel.send(MESSAGE.TOUCH, sessionId, expiresAt)
  }

  async writeTouches(): Promise<void> {}

  async close(): Promise<void> {
    const { forwarder, settings } = this.#parts
    // One that never owns the log would wait for somebody who may never come.
    if (this.#membership === undefined && settings.role === 'follower') forwarder.refuseAll(closed())
    await forwarder.end()
    this.#closing = true
    this.#membership?.channel.close()
    await this.#found
    // It may have become the owner in the meantime.
    const role = this.#parts.role()
    if (role !== this) await role.close()
  }

  #flushOwner(): Promise<unknown> {
    return this.#ask(
      ({ caller }) => caller.call('flush'),
      owner => owner.flush(),
    )
  }

  /** Asks the owner; where it goes meanwhile the next one, which may be this process itself. */
  async #ask<T>(remote: (owner: Membership) => Promise<T>, local: (owner: Role) => Promise<T>): Promise<T> {
    for (;;) {
      await this.#found
      const role = this.#parts.role()
      if (role !== this) return local(role)
      if (this.#membership === undefined) throw closed()
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
    else if (kind === MESSAGE.HALT) forwarder.halt(first as number, second as number, third)
    else if (kind === MESSAGE.FAILED) forwarder.fail(fromWire(first) as SessionlogError)
    else if (kind === MESSAGE.TOUCHED) {
      const session = store.cache.sessions.get(first as string)
      if (session !== undefined && session.version === third) store.cache.touch(session, second as number)
    }
  }

  #lost(): void {
    const { forwarder, log } = this.#parts
    this.#membership = undefined
    forwarder.detach()
    if (this.#closing) return
    log.lose()
    this.#found = this.#findOwner()
  }

  async #findOwner(): Promise<void> {
    for (let pause = PAUSE_MS_MIN; !this.#closing; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
      if (await this.#leadOrFollow()) return
      await delay(pause)
    }
  }

  /** True where nothing more is to be tried. */
  async #leadOrFollow(): Promise<boolean> {
    const { settings, forwarder, lead } = this.#parts
    try {
      return (settings.role === 'auto' && (await lead())) || (await this.#rejoin())
    } catch (err) {
      if (isLinkLost(err) || hasCode(err, 'SESSIONLOG_LOCKED')) return false
      settings.logger.error({ err }, 'The log can be neither followed nor owned any more')
      forwarder.fail(hasCode(err) ? (err as SessionlogError) : broken(err))
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
      const pages = caller.pages<[unknown, unknown]>('since', [forwarder.position, joined.position])
      for await (const [commit, records] of pages) forwarder.commit(followedFromWire(commit, records))
    } catch (error) {
      channel.cut()
      throw error
    }
    this.start(membership)
    return true
  }
}

function reportOf(wire: unknown): CompactionReport {
  const report = wire as CompactionReport & { problems: { error: unknown }[] }
  const problems = report.problems.map(problem => ({ ...problem, error: new Error(String(problem.error)) }))
  return { ...report, problems }
}

function closed(): SessionlogError {
  return new SessionlogError('SESSIONLOG_NOT_OPEN', 'The store was closed meanwhile')
}

function broken(cause: unknown): SessionlogError {
  const message = 'The log can be neither followed nor owned any more: open the store again to go on'
  return new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause })
}

function otherStore(path: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `Another store lies in '${path}' now`, { path })
}
