import { mkdirSync, renameSync } from 'node:fs'
import { type Documents, documentsDir } from '../history.ts'
import { CACHE, discard } from '../places.ts'
import { loadStore } from '../sessionlog.ts'

const BYTES_MIN = 10_000
const BYTES_MAX = 100_000

/** Builds a compacted store of documents, each save of which is another text. */
export async function run(documents: Documents): Promise<null> {
  const dir = documentsDir(documents)
  const building = `${dir}.building`
  discard(building)
  discard(dir)
  mkdirSync(CACHE, { recursive: true })
  const openStore = await loadStore()
  const store = await openStore<object>({ dir: building, compactEvery: 0 })
  for (let step = 0; step < documents.events; step++) {
    const bytes = BYTES_MIN + ((step * 7919) % (BYTES_MAX - BYTES_MIN))
    const id = `document-${step % documents.sessions}`
    void store.save(id, { title: id, saved: step, text: textOf(step, bytes) })
    if (step % 100 === 99) await store.flush()
  }
  await store.compact()
  await store.close()
  // A build that was killed is never taken for a store.
  renameSync(building, dir)
  return null
}

const WORDS = 'the quick brown fox jumps over a lazy dog while five wizards box with zeal and vex him'.split(
  ' ',
)

/** Words in an order that is another one for each seed. */
function textOf(seed: number, bytes: number): string {
  const words: string[] = []
  let state = seed + 1
  for (let length = 0; length < bytes; length += words.at(-1)!.length + 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    words.push(WORDS[(state >>> 8) % WORDS.length]!)
  }
  return words.join(' ')
}
