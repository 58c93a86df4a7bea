import { type Channel, channel } from 'node:diagnostics_channel'
import type { SessionlogError } from './errors.ts'
import type { CompactionReport } from './snapshot/compaction.ts'

/**
 * What happens inside a store, for those who trace or count it: `node:diagnostics_channel`. A payload is only made where
 * somebody has subscribed. Subscribers run in the tick of what they are told of, and should be quick.
 */
const channels = {
  'sessionlog:open': channel('sessionlog:open'),
  'sessionlog:commit': channel('sessionlog:commit'),
  'sessionlog:compact': channel('sessionlog:compact'),
  'sessionlog:failure': channel('sessionlog:failure'),
} as const satisfies Record<keyof Diagnostics, Channel>

/** What is published on each channel. `dir` is undefined for a store in a database. */
export interface Diagnostics {
  /** A store has been opened; or a follower has become the owner: then `tookOver`. */
  'sessionlog:open': {
    readonly origin: string
    readonly dir: string | undefined
    readonly role: 'owner' | 'follower'
    readonly tookOver: boolean
    readonly sessions: number
    readonly position: number
    readonly durationMs: number
  }
  /** A commit is durable. Published by the process that wrote it. */
  'sessionlog:commit': {
    readonly origin: string
    readonly dir: string | undefined
    /** Of its last event. */
    readonly position: number
    readonly events: number
    /** How many of them other processes sent. */
    readonly forwarded: number
    readonly sessions: number
    /** Of the events, as they lie in the log. */
    readonly bytes: number
    /** How long the write took. */
    readonly durationMs: number
  }
  /** A compaction has ended: with a report, or with the error that it failed with. */
  'sessionlog:compact': {
    readonly origin: string
    readonly dir: string | undefined
    readonly report?: CompactionReport
    readonly error?: unknown
  }
  /** A write has failed, and the store has stopped. */
  'sessionlog:failure': {
    readonly origin: string
    readonly dir: string | undefined
    readonly error: SessionlogError
  }
}

/** Tells whoever has subscribed; `make` is not called where nobody has. */
export function publish<Name extends keyof Diagnostics>(name: Name, make: () => Diagnostics[Name]): void {
  if (channels[name].hasSubscribers) channels[name].publish(make())
}
