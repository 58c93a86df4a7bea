import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { decodeItem, encodeItem, type Item, splitItems } from '../../src/bundle/item.ts'
import { type Bundle, type BundleOptions, openBundle, type SessionStore } from '../../src/index.ts'
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
