import { open } from 'node:fs/promises'
import { SessionlogError } from '../index.ts'
import type { ForeignRecord, ForeignSource, Pace } from './foreign-session.ts'
import { type Database, openDatabase, type Row } from './sqlite-library.ts'
import { sessionOfRow } from './sqlite-row.ts'

export interface SqliteOptions {
  /** As `table` was. Default: `sessions`. */
  readonly table?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** How many rows are in memory at once. Default: 500. */
  readonly pageRows?: number | undefined
}

const MAGIC = 'SQLite format 3\0'

/** Whether a file is a SQLite database, by its first bytes. */
export async function isSqliteFile(path: string): Promise<boolean> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0)
    return bytesRead === MAGIC.length && buffer.toString('latin1') === MAGIC
  } finally {
    await handle.close()
  }
}

/** The table of connect-sqlite3, or of better-sqlite3-session-store, in a SQLite file. It is only read, page by page. */
export class SqliteFile implements ForeignSource {
  readonly #path: string
  readonly #table: string
  readonly #signal: AbortSignal | undefined
  readonly #pageRows: number
  #done = 0
  #total: number | undefined

  constructor(path: string, { table = 'sessions', signal, pageRows = 500 }: SqliteOptions) {
    this.#pageRows = pageRows
    this.#path = path
    this.#table = table
    this.#signal = signal
  }

  get pace(): Pace {
    return { done: this.#done, total: this.#total }
  }

  async *records(): AsyncGenerator<ForeignRecord> {
    const database = await openDatabase(this.#path)
    try {
      yield* this.#rows(database)
    } catch (error) {
      this.#signal?.throwIfAborted()
      if (error instanceof SessionlogError) throw error
      const message = `Cannot read '${this.#path}': ${(error as Error).message}`
      throw new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause: error, path: this.#path })
    } finally {
      await database.close()
    }
  }

  async *#rows(database: Database): AsyncGenerator<ForeignRecord> {
    const table = `"${this.#table.replaceAll('"', '""')}"`
    const [count] = await database.all(`select count(*) as count from ${table}`)
    this.#total = Number(count?.count)
    const page = `select *, rowid as "rowid" from ${table} where rowid > ? order by rowid limit ${this.#pageRows}`
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      this.#signal?.throwIfAborted()
      const rows = await database.all(page, after)
      if (rows.length === 0) return
      for (const row of rows) yield this.#record(row)
      after = Number(rows.at(-1)!.rowid)
    }
  }

  #record(row: Row): ForeignRecord {
    this.#done++
    const bytes = typeof row.sess === 'string' ? row.sess.length : 0
    return { place: `row ${row.rowid}`, bytes, read: () => sessionOfRow(row) }
  }
}
