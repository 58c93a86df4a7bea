import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { type Peer, type PeerKind, together } from './peers/peer.ts'
import { DATA, ROOT } from './places.ts'
import { assigned, type Save, type State } from './workload.ts'

/** The part of the public API that the bench uses: it measures what `npm` ships, so it imports no source file. */
export interface Store<T> {
  save(id: string, state: T): Promise<unknown>
  edit(id: string, recipe: (draft: T) => void): Promise<unknown>
  get(id: string): T | undefined
  version(id: string): number
  stateAt(id: string, point: { version: number }): Promise<T | undefined>
  bisect(
    id: string,
    predicate: (state: T, event: { readonly version: number }) => boolean,
  ): Promise<{ readonly version: number }>
  ids(): Iterable<string>
  readonly size: number
  history(
    id: string,
    options?: object,
  ): AsyncIterable<{ readonly version: number; readonly changes: unknown }>
  compact(options?: { full?: boolean }): Promise<unknown>
  backup(dest: string): Promise<unknown>
  archive(options: { keepLast: number }): Promise<{
    readonly events: number
    readonly bytesBefore: number
    readonly bytesAfter: number
    readonly durationMs: number
  }>
  verify(): Promise<{ readonly ok: boolean; readonly position: number; readonly snapshots: number }>
  flush(): Promise<void>
  close(): Promise<void>
}

export type OpenStore = <T>(options: {
  dir: string
  rebuild?: boolean
  compactEvery?: number
}) => Promise<Store<T>>

const SOURCE = join(ROOT, 'src')
export const BUILT = join(DATA, 'bench-build', 'dist')
/** What a process imports that is to have a store open. */
export const ENTRY = pathToFileURL(join(BUILT, 'index.js')).href

/** Ours, as any other peer: everything at its default, its own compaction in the background included. */
export const sessionlog: PeerKind = {
  name: 'sessionlog',
  payload: 'state',
  async open(dir) {
    const openStore = await loadStore()
    return peerOf(await openStore<State>({ dir }))
  },
}

/** A store as a peer: its callers make each state from the one that it gave them. */
export function peerOf(store: Store<State>): Peer {
  let makingMs = 0
  const stateOf = ({ id, state, change }: Save) => {
    if (change === undefined) return state
    const startMs = performance.now()
    const made = assigned(store.get(id) ?? state, change)
    makingMs += performance.now() - startMs
    return made
  }
  return {
    takeMakingMs() {
      const tookMs = makingMs
      makingMs = 0
      return tookMs
    },
    burst: saves => together(saves, save => store.save(save.id, stateOf(save))),
    single: async save => void (await store.save(save.id, stateOf(save))),
    close: () => store.close(),
  }
}

export async function loadStore(): Promise<OpenStore> {
  const module = (await import(ENTRY)) as { openStore: OpenStore }
  return module.openStore
}

/**
 * Compiles the package as it is published, beside dist/ and not into it. Running the sources through tsx would
 * be slower than what users run: it keeps names by wrapping every inner function.
 */
export function build(): void {
  const stamp = join(BUILT, 'index.js')
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newestIn(SOURCE)) return
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [
    '-p',
    join(ROOT, 'tsconfig.build.json'),
    '--outDir',
    BUILT,
    '--declaration',
    'false',
    '--noEmitOnError',
    'true',
  ]
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The store doesn't compile (${status}):\n${stdout}`)
}

function newestIn(dir: string): number {
  const entries = readdirSync(dir, { withFileTypes: true, recursive: true })
  return Math.max(...entries.map(entry => statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs))
}
