import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsent } from '../snapshot/disk-use.ts'
import type { LevelEntry, OnDamage } from './level-entry.ts'
import { readBatches } from './level-journal.ts'
import { type Manifest, readManifest } from './level-manifest.ts'
import { checkTable, readTable } from './level-table.ts'

/** Bytes on the disk that are not as they were written, or a file that is not there. */
export interface Damage {
  readonly path: string
  readonly what: string
}

export type OnFileDamage = (damage: Damage) => void

const TABLE = /\.(ldb|sst)$/
const LOG = /\.log$/

/** LevelDB's files, read without LevelDB: nothing is changed, and what is damaged is no reason to stop. */
export class LevelFiles {
  readonly #path: string

  /** `path` is the folder. */
  constructor(path: string) {
    this.#path = path
  }

  /** Whether there are any. */
  async any(): Promise<boolean> {
    return (await this.#names()).some(name => TABLE.test(name) || LOG.test(name))
  }

  /** What is missing of them, and what is not as its checksum says, among those that LevelDB still needs. */
  async check(onDamage: OnFileDamage): Promise<void> {
    const names = await this.#names()
    const manifest = await this.#manifest(names, onDamage)
    for (const name of await this.#needed(names, manifest, onDamage)) {
      const bytes = await this.#read(name, onDamage)
      if (bytes === undefined) continue
      const report = this.#reporter(name, onDamage)
      if (TABLE.test(name)) checkTable(bytes, report)
      else for (const _ of readBatches(bytes, report));
    }
  }

  /** Tells which of them are not there. */
  async checkNames(onDamage: OnFileDamage): Promise<void> {
    const names = await this.#names()
    await this.#needed(names, await this.#manifest(names, onDamage), onDamage)
    if (!(await this.any())) onDamage({ path: this.#path, what: 'it holds no log' })
  }

  /** What can be read of all of them, the tables first, also of those that LevelDB needs no more. */
  async *entries(onDamage: OnFileDamage): AsyncGenerator<LevelEntry, void, undefined> {
    const names = await this.#names()
    for (const name of [...names.filter(each => TABLE.test(each)), ...names.filter(each => LOG.test(each))]) {
      const bytes = await this.#read(name, onDamage)
      if (bytes === undefined) continue
      yield* (TABLE.test(name) ? readTable : readBatches)(bytes, this.#reporter(name, onDamage))
    }
  }

  /** Tells of files that LevelDB needs and that are not there, and answers with those that are. */
  async #needed(
    names: readonly string[],
    manifest: Manifest | undefined,
    onDamage: OnFileDamage,
  ): Promise<string[]> {
    const files = names.filter(name => TABLE.test(name) || LOG.test(name))
    if (manifest === undefined) return files
    const needed = files.filter(name =>
      TABLE.test(name) ? manifest.tables.has(numberOf(name)) : numberOf(name) >= manifest.log,
    )
    const missing = (name: string) => onDamage({ path: join(this.#path, name), what: 'it is not there' })
    const tables = new Set(needed.filter(name => TABLE.test(name)).map(numberOf))
    for (const number of manifest.tables) if (!tables.has(number)) missing(nameOf(number, 'ldb'))
    if (!needed.some(name => LOG.test(name))) missing(nameOf(manifest.log, 'log'))
    return needed
  }

  /** Undefined where there is none that can be read. */
  async #manifest(names: readonly string[], onDamage: OnFileDamage): Promise<Manifest | undefined> {
    if (names.length === 0) return undefined
    const current = await this.#read('CURRENT', onDamage)
    if (current === undefined) return undefined
    const name = current.toString('latin1').trimEnd()
    if (!current.toString('latin1').endsWith('\n') || !names.includes(name)) {
      onDamage({ path: join(this.#path, 'CURRENT'), what: 'it names no manifest' })
      return undefined
    }
    let isSound = true
    const report = this.#reporter(name, onDamage)
    const manifest = readManifest(await readFile(join(this.#path, name)), (at, what) => {
      isSound = false
      report(at, what)
    })
    return isSound ? manifest : undefined
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#path)).sort()
    } catch (error) {
      if (isAbsent(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return []
      throw error
    }
  }

  async #read(name: string, onDamage: OnFileDamage): Promise<Buffer | undefined> {
    const path = join(this.#path, name)
    try {
      return await readFile(path)
    } catch (error) {
      onDamage({ path, what: isAbsent(error) ? 'it is not there' : (error as Error).message })
      return undefined
    }
  }

  #reporter(name: string, onDamage: OnFileDamage): OnDamage {
    const path = join(this.#path, name)
    return (at, what) => onDamage({ path, what: `at byte ${at}, ${what}` })
  }
}

function numberOf(name: string): number {
  return Number.parseInt(name, 10)
}

function nameOf(number: number, ending: string): string {
  return `${String(number).padStart(6, '0')}.${ending}`
}
