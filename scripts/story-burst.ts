import { openStore } from '../src/index.ts'
import { type Story, saveAs } from './story-founding.ts'

/**
 * The process that is killed: saves at full speed, and prints the version and the hash of each save once it is told
 * that the save is durable. It never ends by itself, but for a store that fails.
 */
const BURST = 100

const store = await openStore<Story>({ dir: process.argv[2]!, compactEvery: 0 })
let before: Promise<unknown> = Promise.resolve()
for (;;) {
  const burst = Promise.all(Array.from({ length: BURST }, saveAndTell))
  // The next burst begins while this one is on its way to the disk.
  await before
  before = burst
}

async function saveAndTell(): Promise<void> {
  const { version, hash } = await saveAs(store, 'burst', `process ${process.pid}`)
  process.stdout.write(`${version} ${hash}\n`)
}
