import { createRequire } from 'node:module'
import { join } from 'node:path'
import { SessionlogError } from '../index.ts'

export type Row = Readonly<Record<string, unknown>>

/** A database that is only read. */
export interface Database {
  all(sql: string, ...parameters: unknown[]): Promise<Row[]>
  close(): Promise<void>
}

interface Synchronous {
  prepare(sql: string): Statement
  close(): void
}

interface Statement {
  all(...parameters: unknown[]): unknown[]
  /** Of node:sqlite. */
  setReadBigInts?(enabled: boolean): void
  /** Of better-sqlite3. */
  safeIntegers?(enabled: boolean): void
}

interface CallbackDatabase {
  all(sql: string, parameters: unknown[], done: (error: Error | null, rows: Row[]) => void): void
  close(done: (error: Error | null) => void): void
}

type NodeSqlite = { DatabaseSync: new (path: string, options: object) => Synchronous }
type BetterSqlite = new (path: string, options: object) => Synchronous
type Sqlite3 = {
  OPEN_READONLY: number
  Database: new (path: string, mode: number, done: (error: Error | null) => void) => CallbackDatabase
}

/**
 * Opens a SQLite file with what there is: Node.js's own `node:sqlite` (22.13 and later), else `better-sqlite3` or `sqlite3`
 * as the project in the working directory has it. This package brings none.
 */
export async function openDatabase(path: string, from = process.cwd()): Promise<Database> {
  const own = process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined
  if (own !== undefined) return asynchronous(new own.DatabaseSync(path, { readOnly: true }))
  const require = createRequire(join(from, 'package.json'))
  const better = optional<BetterSqlite>(require, 'better-sqlite3')
  if (better !== undefined) return asynchronous(new better(path, { readonly: true, fileMustExist: true }))
  const sqlite3 = optional<Sqlite3>(require, 'sqlite3')
  if (sqlite3 !== undefined) return openWithCallbacks(sqlite3, path)
  throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot read '${path}': ${WHAT_TO_DO}`, { path })
}

const WHAT_TO_DO =
  'it is a SQLite file, and there is nothing here that reads one. Use Node.js 22.13 or later, or run this where ' +
  'better-sqlite3 or sqlite3 is installed, or import what `sqlite3 -json FILE "select * from sessions"` prints'

function optional<T>(require: NodeJS.Require, name: string): T | undefined {
  try {
    return require(name) as T
  } catch (error) {
    if ((error as { code?: unknown }).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function asynchronous(database: Synchronous): Database {
  return {
    all: async (sql, ...parameters) => {
      const statement = database.prepare(sql)
      // One row with a large integer would be an error for all of its page.
      statement.setReadBigInts?.(true)
      statement.safeIntegers?.(true)
      return statement.all(...parameters) as Row[]
    },
    close: async () => database.close(),
  }
}

async function openWithCallbacks({ Database, OPEN_READONLY }: Sqlite3, path: string): Promise<Database> {
  const database = await new Promise<CallbackDatabase>((resolve, reject) => {
    const opened = new Database(path, OPEN_READONLY, error => (error ? reject(error) : resolve(opened)))
  })
  const settle = <T>(call: (done: (error: Error | null, result?: T) => void) => void) =>
    new Promise<T>((resolve, reject) => {
      call((error, result) => (error ? reject(error) : resolve(result as T)))
    })
  return {
    all: (sql, ...parameters) => settle(done => database.all(sql, parameters, done)),
    close: () => settle(done => database.close(done)),
  }
}
