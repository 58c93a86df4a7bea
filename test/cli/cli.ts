import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { openStore, type SessionStore, type StoreOptions } from '../../src/index.ts'

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Standard output as NDJSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it.
  readonly json: any[]
}

export interface Launch {
  /** Given to standard input. */
  input?: string | Uint8Array
  env?: Record<string, string>
  cwd?: string
}

/** Starts a script of this repository, as a process of its own that no terminal watches. */
export function start(script: string, args: readonly string[], { env, cwd }: Launch = {}): ChildProcess {
  const { NO_COLOR, FORCE_COLOR, CI, ...rest } = process.env
  return spawn(process.execPath, [...nodeArgs(script), ...args], { cwd, env: { ...rest, ...env } })
}

/** What Node.js is given to run a script of this repository. */
export function nodeArgs(script: string): string[] {
  return ['--import', loader, fileURLToPath(new URL(`../../${script}`, import.meta.url))]
}

/** Runs the command line to its end. */
export async function sessionlog(args: readonly string[], launch: Launch = {}): Promise<Outcome> {
  const child = start('src/cli/main.ts', args, launch)
  child.stdin!.on('error', () => {})
  child.stdin!.end(launch.input ?? '')
  return outcomeOf(child)
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout!.on('data', chunk => stdout.push(chunk))
  child.stderr!.on('data', chunk => stderr.push(chunk))
  const [code] = await once(child, 'close')
  const text = Buffer.concat(stdout).toString()
  return {
    code,
    stdout: text,
    stderr: Buffer.concat(stderr).toString(),
    get json() {
      return text.split('\n').filter(Boolean).map(parse)
    },
  }
}

function parse(line: string): unknown {
  return JSON.parse(line)
}

/** A new directory, gone after the test. */
export function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'sessionlog-cli-'))
  // A process that was killed a moment ago may still write there, which rmSync() does not try again for.
  onTestFinished(() => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }))
  return path
}

/** Does something with a store, through the API. */
export async function withStore<T>(
  dir: string,
  task: (store: SessionStore<unknown>) => Promise<T>,
  options: Omit<StoreOptions<unknown>, 'dir' | 'db'> = {},
): Promise<T> {
  const store = await openStore<unknown>({ dir, compactEvery: 0, ...options })
  try {
    return await task(store)
  } finally {
    await store.close()
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** Lines of NDJSON. */
export function ndjson(...lines: unknown[]): string {
  return lines.map(line => `${JSON.stringify(line)}\n`).join('')
}
