import type { SessionlogError } from './errors.ts'
import type { LogWriter, Transaction } from './log/writer.ts'

/** What a follower writes through: to the owner, and to its own log once it is the owner. */
export class Relay implements LogWriter {
  target: LogWriter

  constructor(target: LogWriter) {
    this.target = target
  }

  get position(): number {
    return this.target.position
  }

  get pending(): number {
    return this.target.pending
  }

  get pendingBytes(): number {
    return this.target.pendingBytes
  }

  get failure(): SessionlogError | undefined {
    return this.target.failure
  }

  push(transaction: Transaction): void {
    this.target.push(transaction)
  }

  makeDurable(): Promise<void> {
    return this.target.makeDurable()
  }

  settled(): Promise<void> {
    return this.target.settled()
  }

  end(): Promise<void> {
    return this.target.end()
  }
}
