import { SessionlogError } from '../errors.ts'
import type { RecordedEvent } from '../event.ts'
import type { LogReader } from '../log/reader.ts'
import type { Writer } from '../log/writer.ts'
import type { Commits } from './commits.ts'
import { type EventsOptions, type HistoryOptions, readEvents, readHistory } from './history.ts'
import type { Session } from './session.ts'
import { type Point, stateAtVersion, versionAtTime } from './time-travel.ts'
import type { Upcast } from './upcast.ts'

export interface PastParts {
  readonly reader: LogReader
  readonly writer: Writer
  readonly commits: Commits
  readonly upcast: Upcast
}

/** What was: each question waits for the commits under way, so that what was just saved is there. */
export class Past {
  readonly #parts: PastParts

  constructor(parts: PastParts) {
    this.#parts = parts
  }

  async *history(session: Session, options: HistoryOptions): AsyncGenerator<RecordedEvent, void, undefined> {
    yield* readHistory(this.#parts.reader, session.id, await this.#head(session), options)
  }

  events(options: EventsOptions): AsyncGenerator<RecordedEvent, void, undefined> {
    return readEvents(this.#parts, options)
  }

  async stateAt(session: Session, point: Point): Promise<unknown> {
    const { reader, upcast } = this.#parts
    const { id } = session
    const { signal } = point
    const head = await this.#head(session)
    const version =
      'version' in point ? point.version : await versionAtTime(reader, id, head, point.time, point.by, signal)
    if (version > head) throw versionNotFound(id, version, head)
    return version === 0 ? undefined : upcast.make(await stateAtVersion(reader, id, version, signal))
  }

  /** The session's acknowledged version, once what is under way is through. */
  async #head(session: Session): Promise<number> {
    await this.#parts.writer.settled()
    return session.acknowledged.version
  }
}

function versionNotFound(sessionId: string, version: number, head: number): SessionlogError {
  const message = `Session '${sessionId}' has no version ${version}: its last is ${head}`
  return new SessionlogError('SESSIONLOG_VERSION_NOT_FOUND', message, { sessionId, version })
}
