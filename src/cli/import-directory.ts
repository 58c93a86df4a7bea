import { hash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkId, wrong } from '../arguments.ts'
import { decode } from '../importers/lines.ts'
import { SessionlogError } from '../index.ts'
import { isSnapshot, readSnapshot } from '../snapshot/snapshot.ts'
import { reconcile } from '../state/reconcile.ts'
import type { ImportLine } from './import-line.ts'
import type { Entry, ImportSource } from './import-source.ts'

/** What every event of such an import is called, and what its id begins with. */
export const IMPORTED = 'imported'
export const IMPORT_ID = 'import:'

/**
 * The session files of a directory: our snapshots, or the plain `<id>.json` of the Python store, whose whole content is
 * the state. Temporary files, subdirectories and everything else that isn't `.json` are left aside.
 */
export class DirectorySource implements ImportSource {
  readonly isDirectory = true
  readonly #path: string
  /** Known from the first reading on: a store's schema doesn't go back, so older ones come first. */
  readonly #schemas = new Map<string, number>()

  constructor(path: string) {
    this.#path = path
  }

  async *entries(
    onProgress: (done: number, total: number) => void,
    signal: AbortSignal,
  ): AsyncGenerator<Entry> {
    const names = await this.#names()
    if (names.length === 0) throw wrong(`${this.#path} holds no session file, no *.json`, 'file')
    const firstFile = new Map<string, string>()
    for (const [index, name] of names.entries()) {
      signal.throwIfAborted()
      onProgress(index, names.length)
      const read = await this.#read(name).catch(error => () => fail(error))
      const parse = () => {
        const line = read()
        const other = firstFile.get(line.session) ?? name
        if (other !== name)
          fail(damaged(join(this.#path, name), `is of session '${line.session}', as is ${other}`))
        firstFile.set(line.session, name)
        this.#schemas.set(name, line.schemaVersion ?? 0)
        return line
      }
      yield { place: name, bytes: 0, parse }
    }
  }

  async close(): Promise<void> {}

  async #names(): Promise<string[]> {
    const names: string[] = []
    for (const name of await readdir(this.#path)) {
      // What macOS leaves beside a file on foreign disks.
      if (!name.endsWith('.json') || name.startsWith('._')) continue
      if ((await stat(join(this.#path, name))).isFile()) names.push(name)
    }
    const schema = (name: string) => this.#schemas.get(name) ?? 0
    return names.sort((a, b) => schema(a) - schema(b) || (a < b ? -1 : 1))
  }

  async #read(name: string): Promise<() => ImportLine> {
    const path = join(this.#path, name)
    const text = decode(await readFile(path))
    const json = parse(text, path)
    if (isSnapshot(json)) {
      const line = await snapshotLine(path)
      return () => line
    }
    if (isHalfSnapshot(json)) fail(damaged(path, 'is a snapshot that lacks some of its fields'))
    return () => plainLine(name, text, json)
  }
}

/** The trail says where the state comes from: `data` holds its place in the store that it was made by. */
async function snapshotLine(path: string): Promise<ImportLine> {
  const snapshot = await readSnapshot(path)
  if (snapshot === undefined) fail(damaged(path, 'is gone'))
  const {
    sessionId,
    origin,
    version,
    position,
    recordedAt,
    hash: head,
    expiresAt,
    schemaVersion,
    state,
  } = snapshot
  checkId(sessionId, 'sessionId')
  reconcile(undefined, state)
  return {
    session: sessionId,
    state,
    options: {
      type: IMPORTED,
      data: { origin, version, hash: head, position, recordedAt },
      eventId: `${IMPORT_ID}${origin}:${version}`,
    },
    expiresAt: Number.isFinite(expiresAt) ? expiresAt : undefined,
    schemaVersion: schemaVersion || undefined,
  }
}

/** The file's name is the id. */
function plainLine(name: string, text: string, state: unknown): ImportLine {
  const session = name.slice(0, -'.json'.length)
  checkId(session, 'the name of the file')
  reconcile(undefined, state)
  const options = { type: IMPORTED, data: { file: name }, eventId: `${IMPORT_ID}${hash('sha256', text)}` }
  return { session, state, options }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return fail(damaged(path, `is not JSON: ${(error as Error).message}`))
  }
}

/** A snapshot of ours that somebody has cut is not taken for a state. */
function isHalfSnapshot(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false
  return ['format', 'origin', 'sessionId', 'version'].every(field => Object.hasOwn(json, field))
}

function damaged(path: string, what: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_CORRUPTION', `${path} ${what}`, { path })
}

function fail(error: unknown): never {
  throw error
}
