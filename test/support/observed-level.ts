import { MemoryLevel } from 'memory-level'
import { onTestFinished } from 'vitest'
import { deferred } from './outcome.ts'

/** One atomic write, as the database was given it. Keys are without the name of the store's own part. */
export interface Write {
  readonly puts: ReadonlyMap<string, Uint8Array>
  readonly deletes: readonly string[]
  readonly sync: boolean
}

interface Operation {
  readonly type: 'put' | 'del'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

type Entry = [Uint8Array, Uint8Array]

interface Iterator {
  _next(): Promise<Entry | undefined>
  _nextv(size: number, options: object): Promise<Entry[]>
  _all(options: object): Promise<Entry[]>
}

/** What abstract-level leaves to its implementations; not part of its types. */
interface Implementation {
  _batch(operations: readonly Operation[], options: { sync?: boolean }): Promise<void>
  _iterator(options: object): Iterator
  _getMany(keys: readonly Uint8Array[], options: object): Promise<(Uint8Array | undefined)[]>
}

const implementation = MemoryLevel.prototype as unknown as Implementation

/** A database in memory that notes what is written and read, and can be slow or fail on demand. */
export class ObservedLevel extends MemoryLevel<string, Buffer> {
  readonly writes: Write[] = []
  /** Entries read, by the first letter of their key, which is their kind. Single look-ups are not counted. */
  readonly reads = new Map<string, { entries: number; bytes: number }>()
  /** What the next writes fail with. */
  failure: Error | undefined
  /** Whether a write that fails has happened all the same: nobody can know. */
  failsAfterwards = false
  #before: Promise<void> | undefined
  #after: Promise<void> | undefined

  /** Makes writes wait until the function that it answers with is called. */
  hold(): () => void {
    const { promise, resolve } = deferred()
    this.#before = promise
    return atTheLatest(() => {
      this.#before = undefined
      resolve()
    })
  }

  /** Lets writes happen, but does not say so until the function that it answers with is called. */
  holdAnswers(): () => void {
    const { promise, resolve } = deferred()
    this.#after = promise
    return atTheLatest(() => {
      this.#after = undefined
      resolve()
    })
  }

  /** Keys of one kind that were written, in order. */
  written(kind: string): string[] {
    return this.writes.flatMap(write => [...write.puts.keys()].filter(key => key.startsWith(kind)))
  }

  get bytesRead(): number {
    return [...this.reads.values()].reduce((sum, read) => sum + read.bytes, 0)
  }

  async _batch(operations: readonly Operation[], options: { sync?: boolean }): Promise<void> {
    if (this.#before !== undefined) await this.#before
    const { failure } = this
    if (failure !== undefined && !this.failsAfterwards) throw failure
    await implementation._batch.call(this, operations, options)
    if (failure !== undefined) throw failure
    const puts = operations.filter(each => each.type === 'put')
    this.writes.push({
      puts: new Map(puts.map(put => [keyOf(put.key), put.value])),
      deletes: operations.filter(each => each.type === 'del').map(each => keyOf(each.key)),
      sync: options.sync ?? false,
    })
    if (this.#after !== undefined) await this.#after
  }

  _iterator(options: object): Iterator {
    const iterator = implementation._iterator.call(this, options)
    const { _next, _nextv, _all } = iterator
    iterator._next = async () => {
      const entry = await _next.call(iterator)
      return entry && this.#note([entry])[0]
    }
    iterator._nextv = async (size, more) => this.#note(await _nextv.call(iterator, size, more))
    iterator._all = async more => this.#note(await _all.call(iterator, more))
    return iterator
  }

  async _getMany(keys: readonly Uint8Array[], options: object): Promise<(Uint8Array | undefined)[]> {
    const values = await implementation._getMany.call(this, keys, options)
    this.#note(keys.flatMap((key, i) => (values[i] === undefined ? [] : [[key, values[i]]])))
    return values
  }

  #note(entries: Entry[]): Entry[] {
    for (const [key, value] of entries) {
      const kind = keyOf(key)[0]!
      const read = this.reads.get(kind) ?? { entries: 0, bytes: 0 }
      this.reads.set(kind, { entries: read.entries + 1, bytes: read.bytes + value.length })
    }
    return entries
  }
}

/** A test that fails must not leave a store waiting. */
function atTheLatest(release: () => void): () => void {
  onTestFinished(release)
  return release
}

const PREFIX = '!sessionlog!'

function keyOf(key: Uint8Array): string {
  const text = Buffer.from(key).toString()
  return text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text
}
