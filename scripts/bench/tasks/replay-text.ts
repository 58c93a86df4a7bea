import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { Encoder } from 'cbor-x'
import { quantile } from '../figures.ts'
import { discard, scratch, sizeOf } from '../places.ts'
import { loadStore, type Store } from '../sessionlog.ts'

const GROUP = 100
const SAMPLE = 1000

interface Line {
  readonly session: string
  readonly txn: number
  readonly patch: readonly [position: number, deleted: number, inserted: string]
}

export interface Replayed {
  readonly saves: number
  readonly elapsedMs: number
  readonly bytesOnDisk: number
  readonly sha256: string
  /** Median bytes of an event's changes, among the first and the last thousand. */
  readonly startBytes: number
  readonly endBytes: number
}

/** Replays a text as saves of `{ text }`, in groups of 100 un-awaited saves, each group awaited. */
export async function run({ file }: { file: string }): Promise<Replayed> {
  const dir = scratch('text')
  const openStore = await loadStore()
  const store = await openStore<{ text: string }>({ dir })
  let text = ''
  let session = ''
  let transaction: number | undefined
  let saves = 0
  let underWay: Promise<unknown>[] = []
  const save = async (): Promise<void> => {
    underWay.push(store.save(session, { text }))
    saves++
    if (underWay.length < GROUP) return
    await Promise.all(underWay)
    underWay = []
  }
  const startMs = performance.now()
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()) })) {
    const { session: id, txn, patch } = JSON.parse(line) as Line
    if (transaction !== undefined && transaction !== txn) await save()
    session = id
    transaction = txn
    text = patched(text, patch)
  }
  await save()
  await Promise.all(underWay)
  const elapsedMs = performance.now() - startMs
  const startBytes = await changeBytes(store, session, 2)
  const endBytes = await changeBytes(store, session, saves - SAMPLE)
  if (store.get(session)?.text !== text) throw new Error('The store has another text')
  await store.compact()
  await store.close()
  const bytesOnDisk = sizeOf(dir)
  discard(dir)
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { saves, elapsedMs, bytesOnDisk, sha256, startBytes, endBytes }
}

/** Positions count code points; this trace has none beyond U+FFFF, where they are UTF-16 units too. */
function patched(text: string, [position, deleted, inserted]: Line['patch']): string {
  return text.slice(0, position) + inserted + text.slice(position + deleted)
}

/** What an event says has changed, as CBOR: whole states, written now and then, are in the bytes on disk. */
async function changeBytes(store: Store<{ text: string }>, session: string, from: number): Promise<number> {
  const encoder = new Encoder({ useRecords: false })
  const sizes: number[] = []
  for await (const { changes } of store.history(session, { from, to: from + SAMPLE - 1 })) {
    const positional = (changes as object[]).map(change => Object.values(change))
    sizes.push(encoder.encode(positional).length)
  }
  return quantile(sizes, 0.5)
}
