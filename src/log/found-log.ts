import { constants, copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionlogError } from '../errors.ts'

/** Beside the log while a store opens. What a killed process leaves there is as good: nothing in it is replaced. */
export const OPENING = 'log-opening'
/** After an open that refused the log, until a person takes it away or accepts the loss. */
export const REFUSED = 'log-refused'

/** What LevelDB replaces at each open. */
const REPLACED = /^CURRENT$|^MANIFEST-\d+$|\.log$/

/**
 * LevelDB's files as they were found. Opening, LevelDB reads its `.log` as far as it can and deletes it: a damaged
 * end is gone before any check of ours can look at it. So these files are given a second name first, which copies
 * nothing, and keep it where the log is then refused.
 */
export class FoundLog {
  readonly #log: string
  readonly #opening: string
  readonly #refused: string

  /** `directory` is the store's. */
  constructor(directory: string) {
    this.#log = join(directory, 'log')
    this.#opening = join(directory, OPENING)
    this.#refused = join(directory, REFUSED)
  }

  /** REQUIRES: the store's lock is held, and LevelDB not open yet. */
  async keep(): Promise<void> {
    try {
      const files = (await readdir(this.#log)).filter(name => REPLACED.test(name))
      if (files.length > 0) await mkdir(this.#opening, { recursive: true })
      for (const name of files) await linkOrCopy(join(this.#log, name), join(this.#opening, name))
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return
      const message = `Cannot put LevelDB's files aside in '${this.#opening}'`
      throw new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause, path: this.#opening })
    }
  }

  /** Keeps them for good. Those of an earlier refusal say more than what LevelDB has made of them since. */
  async refuse(): Promise<void> {
    await rename(this.#opening, this.#refused).catch(() => this.discard())
  }

  /** After an open that went well: what an earlier refusal kept is of an incident that is over. */
  async accept(): Promise<void> {
    await this.discard()
    const time = new Date().toISOString().replace(/\D/g, '')
    await rename(this.#refused, `${this.#refused}-${time}`).catch(() => {})
  }

  /** Lets go of them. What cannot be removed does no harm. */
  async discard(): Promise<void> {
    await rm(this.#opening, { recursive: true, force: true }).catch(() => {})
  }
}

/** Gives a file a second name. Leaves what is there already; some file systems have no links, and none reach others. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    await copyFile(from, to, constants.COPYFILE_EXCL)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
