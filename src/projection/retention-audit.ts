import { SessionlogError } from '../errors.ts'
import type { LogReads } from '../log/port.ts'
import { corrupted } from '../log/record.ts'
import { type PrunedEvent, type Retention, WHOLE } from '../log/retention.ts'
import { AuditedHead } from './audited-head.ts'

/**
 * Holds what is left of pruned events against what says that they were pruned: only a `$pruned` event may explain that
 * events are not there, and only `$released` that a session is not held any more.
 */
export class RetentionAudit {
  readonly #log: LogReads
  readonly #heads: Map<string, AuditedHead>
  readonly #report: (error: unknown) => void

  constructor(log: LogReads, heads: Map<string, AuditedHead>, report: (error: unknown) => void) {
    this.#log = log
    this.#heads = heads
    this.#report = report
  }

  /** Begins the heads of pruned sessions. `note` is given each pruned event. */
  async readPruned(note: (event: PrunedEvent) => void, signal: AbortSignal | undefined): Promise<void> {
    for await (const page of this.#log.pruned(signal)) {
      for (const { sessionId, firstVersion, events } of page) {
        const head = this.#heads.get(sessionId) ?? new AuditedHead()
        if (head.version === 0) this.#heads.set(sessionId, head)
        if (head.broken) continue
        for (const [at, event] of events.entries()) {
          if (firstVersion + at === head.version + 1 && event.position > head.position) {
            head.prune(event)
            note(event)
            continue
          }
          head.broken = true
          this.#report(corrupted(sessionId, head.version + 1, 'is missing among the pruned'))
          break
        }
      }
    }
  }

  /** REQUIRES: all events have been read. `isOlder` says of sessions that have events which were not. */
  async readRetentions(isOlder: (sessionId: string) => boolean): Promise<void> {
    const unknown = new Map(
      [...this.#heads].filter(([, { said, cut }]) => said.held || said.cut > 0 || cut > 0),
    )
    for await (const page of this.#log.retentions()) {
      for (const retention of page) {
        const { sessionId } = retention
        unknown.delete(sessionId)
        const head = this.#heads.get(sessionId)
        if (head?.broken !== true && !isOlder(sessionId)) this.#compare(retention, head)
      }
    }
    for (const [sessionId, head] of unknown)
      if (!head.broken && !isOlder(sessionId)) this.#compare({ sessionId, ...WHOLE }, head)
  }

  #compare({ sessionId, cut, cutHash, held }: Retention, head: AuditedHead = new AuditedHead()): void {
    const { said } = head
    if (head.cut !== cut || said.cut !== cut || said.cutHash !== cutHash) {
      const what = `Of session '${sessionId}' there is nothing from before version ${head.cut || 1}`
      const told = said.cut === 0 ? 'no event says that it was pruned' : `its events say ${said.cut}`
      this.#tell(`${what}, the log says ${cut || 1}, and ${told}`, sessionId)
    }
    if (said.held !== held)
      this.#tell(
        `Session '${sessionId}' is ${held ? '' : 'not '}held, and its events say otherwise`,
        sessionId,
      )
  }

  #tell(message: string, sessionId: string): void {
    this.#report(new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId }))
  }
}
