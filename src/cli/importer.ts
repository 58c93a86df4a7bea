import { join } from 'node:path'
import { hasCode, type SessionlogErrorCode } from '../errors.ts'
import { SessionlogError, type StoreOptions } from '../index.ts'
import { type Context, open, type Store } from './context.ts'
import { hasLog, isOwnSnapshots, lastWitness } from './directory.ts'
import { IMPORT_ID } from './import-directory.ts'
import type { ImportLine } from './import-line.ts'
import type { Entry, ImportSource } from './import-source.ts'
import { ImportWriter } from './import-writer.ts'
import { Rehearsal } from './rehearsal.ts'
import { formatCount } from './text.ts'

export interface ImportOptions {
  /** Where the lines come from, as it was named. */
  readonly path: string
  /** Writes the good lines where others are refused. */
  readonly keepGoing: boolean
}

/** A line that was not imported, and why. */
export interface RefusedLine {
  readonly place: string
  readonly code: SessionlogErrorCode
  readonly message: string
}

export interface ImportReport {
  readonly lines: number
  readonly saved: number
  readonly deleted: number
  /** Lines that were there already, by their event id; and deletes of what was not there. */
  readonly skipped: number
  readonly sessions: number
  readonly refused: number
  /** The first refused lines. */
  readonly problems: readonly RefusedLine[]
  readonly unit: Unit
  /** Events of the store that wrote the snapshots, and that came after them. */
  readonly lost: LostEvents | undefined
  /** False where lines were refused and so nothing was written. */
  readonly written: boolean
}

/** The positions of the first and the last of them. */
export interface LostEvents {
  readonly from: number
  readonly to: number
}

type Unit = 'lines' | 'files'

const PROBLEMS_KEPT = 100

/**
 * Imports in two passes: the first checks every line and writes nothing, the second writes. What is kept between them
 * is where the refused lines are. A write that fails ends the import; what was written until then stays.
 */
export class Importer {
  readonly #context: Context
  readonly #source: ImportSource
  readonly #options: ImportOptions
  readonly #refused = new Set<string>()
  readonly #problems: RefusedLine[] = []
  #lines = 0
  #hasSchemas = false
  /** Of the stores that the snapshots come from. */
  readonly #origins = new Set<string>()
  #lost: LostEvents | undefined

  constructor(context: Context, source: ImportSource, options: ImportOptions) {
    this.#context = context
    this.#source = source
    this.#options = options
  }

  get #unit(): Unit {
    return this.#source.isDirectory ? 'files' : 'lines'
  }

  async run(): Promise<ImportReport> {
    const { dir } = this.#context
    const store = (await hasLog(dir)) ? await open(this.#context) : undefined
    try {
      if (store !== undefined && this.#source.isDirectory) await assertNothingElse(store)
      await this.#check(store)
    } catch (error) {
      await store?.close()
      throw error
    }
    if (this.#refused.size > 0 && !this.#options.keepGoing) {
      await store?.close()
      return this.#report()
    }
    return this.#write(store)
  }

  async #check(store: Store | undefined): Promise<void> {
    const rehearsal = new Rehearsal(store)
    for await (const entry of this.#entries('Checking')) {
      this.#lines++
      try {
        const line = entry.parse()
        await rehearsal.check(line)
        if (this.#source.isDirectory) {
          assertForeign(line, store)
          this.#origins.add(originOf(line))
        }
        this.#hasSchemas ||= line.schemaVersion !== undefined
      } catch (error) {
        this.#refuse(entry, error)
      }
    }
    if (this.#source.isDirectory) this.#lost = await findLost(this.#options.path, this.#origins)
  }

  async #write(opened: Store | undefined): Promise<ImportReport> {
    const { dir, signal } = this.#context
    // The log of these very snapshots is lost: that is why they are imported.
    const acceptLoss = opened === undefined && (await isOwnSnapshots(this.#options.path, dir))
    const reopen = (options: StoreOptions<unknown>) => open(this.#context, { acceptLoss, ...options })
    const writer = new ImportWriter(opened ?? (await reopen({})), reopen)
    try {
      if (this.#hasSchemas) await writer.useSchema(0)
      for await (const entry of this.#entries('Importing')) {
        if (this.#refused.has(entry.place)) continue
        await writer.write(entry, error => this.#refuse(entry, error))
      }
      await writer.finish()
      return this.#report(writer)
    } catch (error) {
      // What is under way is written all the same, and counted.
      await writer.close()
      if (signal.aborted) throw interrupted(signal, writer.saved + writer.deleted)
      throw error
    } finally {
      await writer.close()
    }
  }

  async *#entries(label: string): AsyncGenerator<Entry> {
    const { signal, progress } = this.#context
    let index = 0
    const onProgress = (done: number, total: number) =>
      progress.update(label, done, total, `${formatCount(index)} ${this.#unit}`)
    for await (const entry of this.#source.entries(onProgress, signal)) {
      if (index % 256 === 0) signal.throwIfAborted()
      yield entry
      index++
    }
    progress.end()
  }

  /** Anything but a refusal is no matter of the line, and ends the import. */
  #refuse({ place }: Entry, error: unknown): void {
    if (!hasCode(error) || hasCode(error, 'SESSIONLOG_IO_ERROR') || hasCode(error, 'SESSIONLOG_NOT_OPEN'))
      throw error
    const { code, message } = error as SessionlogError
    this.#refused.add(place)
    if (this.#problems.length < PROBLEMS_KEPT) this.#problems.push({ place, code, message })
  }

  #report(writer?: ImportWriter): ImportReport {
    return {
      lines: this.#lines,
      saved: writer?.saved ?? 0,
      deleted: writer?.deleted ?? 0,
      skipped: writer?.skipped ?? 0,
      sessions: writer?.sessions ?? 0,
      refused: this.#refused.size,
      problems: this.#problems,
      unit: this.#unit,
      lost: this.#lost,
      written: writer !== undefined,
    }
  }
}

/** What the store beside the snapshots had after the last compaction that wrote all of them, as far as it noted. */
async function findLost(path: string, origins: ReadonlySet<string>): Promise<LostEvents | undefined> {
  const witness = await lastWitness(join(path, '..'))
  if (witness === undefined || !origins.has(witness.origin) || witness.position === witness.snapshots)
    return undefined
  return { from: witness.snapshots + 1, to: witness.position }
}

/** Current states go into an empty store, or into one that an interrupted import of them began. */
async function assertNothingElse(store: Store): Promise<void> {
  for await (const { eventId, sessionId } of store.events()) {
    if (eventId?.startsWith(IMPORT_ID)) continue
    const message = `A directory is imported into an empty store; this one has session '${sessionId}'`
    throw new SessionlogError('SESSIONLOG_IMPORT_REJECTED', message)
  }
}

/** A store's own snapshots would only repeat what it has. */
function assertForeign(line: ImportLine, store: Store | undefined): void {
  if (store === undefined || originOf(line) !== store.origin) return
  const message = `The snapshot of session '${line.session}' was made by this very store`
  throw new SessionlogError('SESSIONLOG_IMPORT_REJECTED', message, { sessionId: line.session })
}

/** Of the store that wrote a snapshot; empty for a plain file. */
function originOf({ options }: ImportLine): string {
  return (options.data as { origin?: string } | undefined)?.origin ?? ''
}

function interrupted({ reason }: AbortSignal, events: number): unknown {
  if (reason instanceof Error) reason.message = `Interrupted: ${formatCount(events)} events were imported`
  return reason
}
