import type { ImportLine } from './import-line.ts'

/** One thing to import: a line, or a file of a directory. */
export interface Entry {
  /** `line 12`, or the file's name. */
  readonly place: string
  readonly bytes: number
  /** Throws where it cannot be imported. */
  readonly parse: () => ImportLine
}

/** What is imported. It is read twice: once to check all of it, once to write it. */
export interface ImportSource {
  /** True for a directory: its states are the current ones, so they only go into an empty store. */
  readonly isDirectory: boolean
  entries(onProgress: (done: number, total: number) => void, signal: AbortSignal): AsyncIterable<Entry>
  close(): Promise<void>
}
