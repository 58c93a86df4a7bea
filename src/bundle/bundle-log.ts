import { decodePayload } from '../log/codec.ts'
import type { Fork, LogRecord, VersionRange } from '../log/port.ts'
import { type Extent, type ReadableLog, WHOLE_EXTENT } from '../log/readable-log.ts'
import { KIND, type RawEvent, readRecord } from '../log/record.ts'
import { RecordReader } from '../log/record-reader.ts'
import { fold, NO_STATE, type Versioned } from '../projection/fold.ts'
import { forkedFrom } from '../projection/lineage.ts'
import { type Kept, Slabs } from '../projection/slab.ts'

/** A session of a bundle. */
export interface BundledSession {
  readonly id: string
  /** The version of its first event here. */
  readonly first: number
  /** That of its last event here. */
  readonly last: number
  /** That of its last event in the store, when the bundle was written. */
  readonly head: number
}

/** A record of the bundle, in memory. */
interface Stored {
  readonly session: Shelf
  readonly firstVersion: number
  readonly bytes: Kept
  readonly loggedHash: string | undefined
}

/** A session's records, oldest first. */
interface Shelf extends BundledSession {
  readonly records: Stored[]
  /** Whether there is a state after the last of them. */
  exists: boolean
}

/** How many events are kept decoded, at the least, while all sessions are read in turn. */
const DECODED_MAX = 2 ** 18

/** The events of a bundle, in memory as they lie in the file. */
export class BundleLog extends RecordReader implements ReadableLog {
  readonly #shelves: Map<string, Shelf>
  readonly #slabs = new Slabs()
  readonly #forks: Fork[] = []
  /** Of each event, in the order of the file: its position, its version, and its record. */
  readonly #positions: number[] = []
  readonly #versions: number[] = []
  readonly #records: Stored[] = []
  /** The places of these lists in the order of their positions. */
  #order: Uint32Array | undefined

  constructor() {
    const shelves = new Map<string, Shelf>()
    super({ read: (sessionId, range) => readShelf(shelves.get(sessionId)?.records ?? [], range) })
    this.#shelves = shelves
  }

  get sessions(): ReadonlyMap<string, BundledSession> {
    return this.#shelves
  }

  begin(session: BundledSession): void {
    this.#shelves.set(session.id, { ...session, records: [], exists: false })
  }

  /** Takes a record of a session that was begun. `events` are those that it holds. */
  add({ sessionId, firstVersion, bytes, loggedHash }: LogRecord, events: readonly RawEvent[]): void {
    const session = this.#shelves.get(sessionId)!
    const stored = { session, firstVersion, bytes: this.#slabs.keep(bytes), loggedHash }
    session.records.push(stored)
    session.exists = events.at(-1)!.kind !== KIND.DELETED
    for (const event of events) {
      if (event.version === 1) this.#noteFork(event)
      if (event.version < session.first) continue
      this.#positions.push(event.position)
      this.#versions.push(event.version)
      this.#records.push(stored)
    }
  }

  /** Whether the session has a state after its last event. */
  exists(sessionId: string): boolean {
    return this.#shelves.get(sessionId)?.exists === true
  }

  /** The state after the session's last event, as it was recorded. */
  state(sessionId: string): Versioned {
    const { records = [] } = this.#shelves.get(sessionId) ?? {}
    const run: RawEvent[] = []
    for (let at = records.length - 1; at >= 0 && (run.at(-1)?.kind ?? KIND.CHANGES) === KIND.CHANGES; at--) {
      const events = readRecord(recordOf(records[at]!))
      const whole = events.findLastIndex(event => event.kind !== KIND.CHANGES)
      for (const event of events.slice(Math.max(whole, 0)).reverse()) run.push(event)
    }
    return fold(run.reverse(), NO_STATE)
  }

  extent(sessionId: string): Extent {
    const shelf = this.#shelves.get(sessionId)
    if (shelf === undefined) return WHOLE_EXTENT
    const { first, last, head, records } = shelf
    return { first, start: records[0]!.firstVersion, more: last < head }
  }

  begins(sessionId: string): boolean {
    return this.#shelves.get(sessionId)?.first === 1
  }

  async *forks(sessionId?: string): AsyncGenerator<readonly Fork[], void, undefined> {
    this.#forks.sort((a, b) => Buffer.compare(Buffer.from(a.child), Buffer.from(b.child)))
    yield this.#forks.filter(fork => sessionId === undefined || fork.sessionId === sessionId)
  }

  async *positions(
    after: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<RawEvent[], void, undefined> {
    this.#order ??= Uint32Array.from(this.#positions.keys()).sort(
      (a, b) => this.#positions[a]! - this.#positions[b]!,
    )
    const decoded = new Map<Stored, RawEvent[]>()
    let count = 0
    for (const at of this.#order) {
      signal?.throwIfAborted()
      if (this.#positions[at]! <= after) continue
      if (this.#positions[at]! > to) return
      const stored = this.#records[at]!
      let events = decoded.get(stored)
      if (events === undefined) {
        events = readRecord(recordOf(stored))
        decoded.set(stored, events)
        for (count += events.length; count > DECODED_MAX && decoded.size > 1; ) {
          const [oldest, { length }] = decoded.entries().next().value!
          decoded.delete(oldest)
          count -= length
        }
      }
      yield [events[this.#versions[at]! - stored.firstVersion]!]
    }
  }

  #noteFork(event: RawEvent): void {
    const fork = forkedFrom(event.sessionId, decodePayload(event).facts)
    if (fork === undefined) return
    const { sessionId, version } = fork
    this.#forks.push({ sessionId, version, child: event.sessionId })
  }
}

/** The records that hold versions `from` to `to`, as `EventLog.read` has it. */
async function* readShelf(
  records: readonly Stored[],
  { from, to, reverse = false, signal }: VersionRange,
): AsyncGenerator<LogRecord[], void, undefined> {
  const step = reverse ? -1 : 1
  let at = lastUpTo(records, reverse ? to : from)
  for (; at >= 0 && at < records.length; at += step) {
    signal?.throwIfAborted()
    if (!reverse && records[at]!.firstVersion > to) return
    yield [recordOf(records[at]!)]
    if (reverse && records[at]!.firstVersion <= from) return
  }
}

/** The place of the last record that begins at a version or before; 0 where none does. */
function lastUpTo(records: readonly Stored[], version: number): number {
  let [low, high] = [0, records.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (records[middle]!.firstVersion <= version) low = middle
    else high = middle - 1
  }
  return low
}

function recordOf({ session, firstVersion, bytes, loggedHash }: Stored): LogRecord {
  const record = { sessionId: session.id, firstVersion, bytes: bytes.bytes }
  return loggedHash === undefined ? record : { ...record, loggedHash }
}
