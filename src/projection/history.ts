import { SessionlogError } from '../errors.ts'
import type { RecordedEvent } from '../event.ts'
import { decodeEvent } from '../log/codec.ts'
import type { ReadableLog } from '../log/readable-log.ts'
import type { RawEvent } from '../log/record.ts'
import type { LogWriter } from '../log/writer.ts'
import type { Commits } from './commits.ts'

/** Which of a session's events, in which order. */
export interface HistoryOptions {
  /** The first version, included. Default: the first that there is. */
  from?: number
  /** The last version, included. Default: the session's version. */
  to?: number
  /** The latest first. Default: false. */
  reverse?: boolean
  /** Ends the iteration with its reason. */
  signal?: AbortSignal
}

/** From where, and how long. */
export interface EventsOptions {
  /** The position to go on after. Default: 0, from the beginning. */
  after?: number
  /** Goes on with what is committed later, until the store closes. Default: false. */
  live?: boolean
  /** Ends the iteration with its reason. */
  signal?: AbortSignal
}

/** How far the log has got. */
export type Progress = Pick<LogWriter, 'settled' | 'position' | 'failure'>

/** What the events of all sessions are read from. */
export interface EventsParts {
  readonly reader: ReadableLog
  readonly writer: Progress
  readonly commits: Pick<Commits, 'observable' | 'ended' | 'changed'>
}

/** A session's events up to its version `head`, read from the log as they are asked for. */
export async function* readHistory(
  reader: ReadableLog,
  sessionId: string,
  head: number,
  { from, to = head, reverse = false, signal }: HistoryOptions,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const { first } = reader.extent(sessionId)
  const range = { from: Math.max(from ?? first, first), to: Math.min(to, head), reverse, signal }
  if (range.from > range.to) return
  for await (const record of reader.session(sessionId, range)) {
    for (const event of record) {
      signal?.throwIfAborted()
      yield decodeEvent(event)
    }
  }
}

/** Every session's events in commit order; with `live`, for as long as the store is open. Others aren't decoded. */
export async function* readEvents(
  { reader, writer, commits }: EventsParts,
  { after = 0, live = false, signal }: EventsOptions,
  isWanted: (event: RawEvent) => boolean = () => true,
): AsyncGenerator<RecordedEvent, void, undefined> {
  signal?.throwIfAborted()
  await writer.settled()
  let position = after
  for (;;) {
    // Asked for before reading, so that no commit falls in between.
    const changed = commits.changed()
    if (position < writer.position) {
      for await (const events of reader.positions(position, writer.position, signal)) {
        for (const event of events) {
          signal?.throwIfAborted()
          if (isWanted(event)) yield decodeEvent(event)
        }
        position = events[events.length - 1]!.position
      }
    }
    if (!live || commits.ended) {
      if (live && writer.failure !== undefined) throw stopped(writer.failure)
      return
    }
    await aborted(changed, signal)
  }
}

/** Waits, but no longer than until the signal says to stop: then it rejects with the signal's reason. */
async function aborted(wait: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return wait
  signal.throwIfAborted()
  let stop = () => {}
  const stopped = new Promise<void>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([wait, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function stopped(cause: SessionlogError): SessionlogError {
  return new SessionlogError(cause.code, 'The store has stopped: no more events will come', { cause })
}
