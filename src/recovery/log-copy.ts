import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { hasCode } from '../errors.ts'
import { linkOrCopy } from '../log/found-log.ts'

/** How often a copy is made again that LevelDB's own work made useless. */
const ATTEMPTS_MAX = 20
const RETRY_MS = 50

/** A table: LevelDB writes it once and never again. */
const TABLE = /\.(ldb|sst)$/

/**
 * A look at a store that another process holds. LevelDB lets nobody else open its directory, but its tables never
 * change, and its own log only grows: a copy of them, opened in another place, is the store as it was a moment ago.
 * The owner notices nothing. What LevelDB replaces while it is copied makes a copy that does not open, or misses the
 * newest events: then it is made again.
 */
export class LogCopy<T> {
  readonly #log: string
  readonly #archive: string
  readonly #use: (dir: string) => Promise<T>
  readonly #attemptsMax: number
  #place: string | undefined
  /** The files as they were when last looked at. */
  #seen = ''

  /** `dir` is the store's; `use` is given the directory of a copy that holds its log, and leads to its archive. */
  constructor(dir: string, use: (dir: string) => Promise<T>, attemptsMax = ATTEMPTS_MAX) {
    this.#log = join(dir, 'log')
    this.#archive = resolve(dir, 'archive')
    this.#use = use
    this.#attemptsMax = attemptsMax
  }

  /** What the store is now; undefined where nothing has changed since the last call. */
  async open(): Promise<T | undefined> {
    for (let attempt = 1; ; attempt++) {
      const files = await this.#files()
      if (files === this.#seen) return undefined
      try {
        await this.#copy()
        const found = await this.#use(join(this.#place!, 'work'))
        this.#seen = files
        return found
      } catch (error) {
        if (attempt >= this.#attemptsMax || !isTorn(error)) throw error
        // On another disk a table may have been copied while it was written.
        if (this.#place !== undefined) await rm(join(this.#place, 'tables'), { recursive: true, force: true })
        await pause(RETRY_MS)
      }
    }
  }

  async remove(): Promise<void> {
    if (this.#place !== undefined) await rm(this.#place, { recursive: true, force: true })
  }

  /** Names and sizes of LevelDB's files, but for its diary. */
  async #files(): Promise<string> {
    const names = (await readdir(this.#log)).filter(name => !name.startsWith('LO'))
    const sizes = await Promise.all(
      names.map(name =>
        stat(join(this.#log, name)).then(
          ({ size }) => size,
          () => -1,
        ),
      ),
    )
    return names.map((name, index) => `${name} ${sizes[index]}`).join()
  }

  /**
   * The growing files first: a table that they speak of is there by the time that tables are copied, and a log that
   * was written into tables meanwhile is only there twice.
   */
  async #copy(): Promise<void> {
    this.#place ??= await mkdtemp(join(tmpdir(), 'sessionlog-copy-'))
    const [work, tables] = [join(this.#place, 'work'), join(this.#place, 'tables')]
    await rm(work, { recursive: true, force: true })
    for (const path of [join(work, 'log'), tables]) await mkdir(path, { recursive: true })
    const names = (await readdir(this.#log)).filter(name => !TABLE.test(name))
    for (const pattern of [/\.log$/, /^CURRENT$/, /^MANIFEST-/])
      for (const name of names.filter(each => pattern.test(each)))
        await copyFile(join(this.#log, name), join(work, 'log', name))
    const current = (await readdir(this.#log)).filter(name => TABLE.test(name))
    for (const name of await readdir(tables)) if (!current.includes(name)) await rm(join(tables, name))
    for (const name of current) {
      await linkOrCopy(join(this.#log, name), join(tables, name))
      await linkOrCopy(join(tables, name), join(work, 'log', name))
    }
    // Its files never change, and a copy is only read.
    if (existsSync(this.#archive)) await symlink(this.#archive, join(work, 'archive'), 'junction')
  }
}

/** A file that was gone before it was copied, or files that do not belong to one moment. */
function isTorn(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || hasCode(error, 'SESSIONLOG_CORRUPTION')
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
