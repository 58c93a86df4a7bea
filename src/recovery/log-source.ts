import { basename } from 'node:path'
import { hasCode } from '../errors.ts'
import { RANGE } from '../log/keys.ts'
import { decodeCommit, decodeExpiry, decodeStore, decodeStoredBase, STORE_KEY } from '../log/level-entries.ts'
import type { Expiry, StoreRecord } from '../log/port.ts'
import { HASH_BYTES } from '../log/record-writer.ts'
import type { Finds } from './finds.ts'
import type { LevelEntry } from './level-entry.ts'
import { LevelFiles, type OnFileDamage } from './level-files.ts'
import { soundEvents } from './sound-events.ts'
import { LOOK_EVERY, type Source } from './source.ts'

/** The log in a folder of LevelDB's. */
export class LogSource implements Source {
  readonly name: string
  readonly #path: string
  readonly #isWhole: boolean
  readonly #expiries = new Map<string, Expiry>()
  #record: StoreRecord | undefined
  /** When each of the entries was written of which the last one counts. */
  readonly #written = new Map<string, number>()

  /** One that is not whole is what was kept of a log: the rest of its files are elsewhere. */
  constructor(path: string, { isWhole }: { isWhole: boolean }) {
    this.#path = path
    this.#isWhole = isWhole
    this.name = basename(path)
  }

  async read(finds: Finds, onDamage: OnFileDamage, signal?: AbortSignal): Promise<void> {
    const files = new LevelFiles(this.#path)
    if (this.#isWhole) await files.checkNames(onDamage)
    let entries = 0
    for await (const entry of files.entries(onDamage)) {
      if (++entries % LOOK_EVERY === 0) signal?.throwIfAborted()
      try {
        const written = this.#take(entry, finds)
        if (written !== undefined && !(await written)) onDamage({ path: this.#path, what: damaged(entry) })
      } catch (error) {
        if (!hasCode(error, 'SESSIONLOG_CORRUPTION')) throw error
        onDamage({ path: this.#path, what: (error as Error).message })
      }
    }
    finds.record ??= this.#record
    for (const [id, expiry] of this.#expiries) if (!finds.expiries.has(id)) finds.expiries.set(id, expiry)
  }

  /** Resolves to whether all of the entry could be believed. */
  #take({ key: bytes, value, sequence }: LevelEntry, finds: Finds): Promise<boolean> | undefined {
    // Nothing shorter is a record, or has a hash of its own.
    if (value === undefined || value.length < HASH_BYTES) return undefined
    const key = bytes.toString()
    switch (key.charAt(0)) {
      case RANGE.tail:
      case RANGE.segment: {
        const { events, whole } = soundEvents(value)
        return Promise.resolve(finds.events(events)).then(() => whole)
      }
      case RANGE.commit:
        return Promise.resolve(finds.commit(decodeCommit(key, value))).then(() => true)
      case RANGE.base:
        finds.base(decodeStoredBase(key, value))
        return undefined
      case RANGE.expiry: {
        const expiry = decodeExpiry(key, value)
        if (this.#isLater(key, sequence)) this.#expiries.set(expiry.sessionId, expiry)
        return undefined
      }
    }
    if (key === STORE_KEY) {
      const record = decodeStore(value)
      if (this.#isLater(key, sequence)) this.#record = record
    }
    return undefined
  }

  #isLater(key: string, sequence: number): boolean {
    if (sequence < (this.#written.get(key) ?? 0)) return false
    this.#written.set(key, sequence)
    return true
  }
}

function damaged({ key }: LevelEntry): string {
  return `the record under the key ${JSON.stringify(key.toString())} is not as its hashes say`
}
