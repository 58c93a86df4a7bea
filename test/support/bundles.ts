import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { decodeItem, encodeItem, ITEM, type Item, splitItems } from '../../src/bundle/item.ts'
import { Seal } from '../../src/bundle/seal.ts'
import { type Bundle, type BundleOptions, openBundle, type SessionStore } from '../../src/index.ts'
import { NO_HASH, sha256 } from '../../src/log/chain.ts'
import { packRecord, type RawEvent } from '../../src/log/record.ts'
import { signNote } from '../../src/proof/note.ts'
import { WholeTree } from '../../src/proof/whole-tree.ts'
import { encodeCbor } from '../../src/state/cbor-values.ts'
import { collect } from './outcome.ts'
import { temporary } from './store.ts'

/** A path for a bundle, gone when the test ends. */
export function bundlePath(): string {
  return join(temporary(), 'bug.slog')
}

/** A bundle of sessions of a store, opened. */
export async function bundleOf<State>(
  store: SessionStore<State>,
  ids: string | Iterable<string>,
  options: Partial<BundleOptions> = {},
): Promise<Bundle<State>> {
  const file = bundlePath()
  await store.exportBundle(ids, { file, ...options })
  return openBundle<State>(file)
}

/** The items of a bundle. */
export async function itemsOf(file: string): Promise<Item[]> {
  return (await collect(splitItems(Readable.from([gunzipSync(readFileSync(file))])))).map(decodeItem)
}

/** Writes items as a bundle, whatever they say. */
export function writeItems(file: string, items: readonly Item[]): void {
  writeFileSync(file, gzipSync(Buffer.concat(items.map(encodeItem))))
}

/** What stands in an event behind its header: expiresAt, facts, changes, and of a keyframe the state. */
export type ForgedEvent = readonly [
  kind: unknown,
  recordedAt: unknown,
  expiresAt: unknown,
  facts: unknown,
  changes: unknown,
  state?: unknown,
]

/** A bundle of which all hashes fit, whatever it says, that nobody has signed. One session after the other. */
export function forge(file: string, sessions: Record<string, readonly ForgedEvent[]>): void {
  const origin = 'forged'
  const leaves: Buffer[] = []
  const made = Object.entries(sessions).map(([id, events]) => {
    let previousHash = NO_HASH
    const raw = events.map(([kind, recordedAt, ...rest], at) => {
      const header = [kind, id, at + 1, leaves.length + 1, recordedAt, Buffer.from(previousHash, 'hex')]
      const bytes = encodeCbor([...header, ...rest])
      const hash = sha256(Buffer.concat([Buffer.of(0), bytes]))
      previousHash = hash
      leaves.push(Buffer.from(hash, 'hex'))
      return { bytes, hash } as Partial<RawEvent> as RawEvent
    })
    return { id, raw, position: leaves.length }
  })
  const tree = new WholeTree(Buffer.concat(leaves), leaves.length)
  const header = {
    'sessionlog-bundle': 0,
    origin,
    writer: 'nobody',
    format: 0,
    schemaVersion: 0,
    exportedAt: 0,
    position: leaves.length,
    root: tree.root(),
  }
  const items: Item[] = [[ITEM.HEADER, header]]
  for (const { id, raw, position } of made) {
    items.push([ITEM.SESSION, id, 1, raw.length, raw.length], [ITEM.RECORD, 1, Buffer.from(packRecord(raw))])
    items.push([ITEM.PROOF, tree.inclusionProof(position - 1).map(hash => Buffer.from(hash, 'hex'))])
  }
  writeSealed(file, [...items, [ITEM.END, made.length, leaves.length, '']])
}

/** Writes items of which the last one is made to fit the others; signed where there is a key. */
export function writeSealed(file: string, items: readonly Item[], skey?: string): void {
  const { origin } = items[0]![1] as { origin: string }
  const seal = new Seal(origin)
  for (const item of items.slice(0, -1)) seal.add(encodeItem(item))
  const [kind, sessions, events] = items.at(-1)!
  const text = seal.end()
  writeItems(file, items.with(-1, [kind, sessions, events, skey === undefined ? text : signNote(text, skey)]))
}
