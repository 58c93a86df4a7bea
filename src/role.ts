import type { Expiry } from './log/port.ts'
import type { Work } from './work.ts'

/** What a process is to a log: its owner, or a follower of the owner. */
export interface Role {
  readonly follows: boolean
  /** Takes in what others have recorded by now. The owner has it all. */
  catchUp(): Promise<void>
  /** Takes in what anybody has been told of by now, and doesn't wait for what is under way. */
  hear(): Promise<void>
  readonly work: Work
  /** What is not as it should be, in words. */
  complaints(): string[]
  /** Makes everything that was saved before the call durable. */
  flush(): Promise<void>
  /** Tells other processes of a moved expiry. */
  tellTouch(touched: Expiry): void
  /** Writes moved expiries down. */
  writeTouches(touched: readonly Expiry[]): Promise<void>
  /** Waits for what is under way, then lets go of the log. */
  close(): Promise<void>
}
