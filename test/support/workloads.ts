import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))
const workloads = `${shared}workloads/`

/** Whether the data that nobody here wrote is at hand; tests on it are skipped, and say so, where it is not. */
export const hasWorkloads = existsSync(`${workloads}expected.json`)
export const hasConformance = existsSync(`${shared}conformance`)

/** What stands behind the name of a suite that is skipped; also printed, for reporters hide skipped suites. */
export function absence(present: boolean, folder: string): string {
  if (present) return ''
  console.warn(`SKIPPED: ../shared/${folder} is absent`)
  return ` (skipped: ../shared/${folder} is absent)`
}

export interface StateLine {
  readonly session: string
  /** ISO, or null. */
  readonly at: string | null
  readonly actor: string | null
  readonly state: unknown
}

export interface TextLine {
  readonly session: string
  readonly txn: number
  readonly at: string | null
  readonly actor: string | null
  /** Position and deleted count code points. */
  readonly patch: readonly [position: number, deleted: number, inserted: string]
}

export interface Expected {
  readonly kind: 'states' | 'text-patches'
  readonly lines: number
  readonly sessions: number
  readonly txns: number
  readonly sha256OfFinalStates: string
  readonly endContentSha256: string
}

export const expected: Readonly<Record<string, Expected>> = hasWorkloads
  ? JSON.parse(readFileSync(`${workloads}expected.json`, 'utf8'))
  : {}

export const filesOf = (kind: Expected['kind']) =>
  Object.keys(expected).filter(file => expected[file]!.kind === kind)

export function readLines<Line extends StateLine | TextLine>(file: string): Line[] {
  const text = gunzipSync(readFileSync(workloads + file)).toString()
  return text.split('\n').flatMap(line => (line === '' ? [] : JSON.parse(line)))
}

export function readConformance(path: string): string {
  return readFileSync(`${shared}conformance/${path}`, 'utf8')
}

/** As `expected.json` has it: session, tab and last state, sorted by session. */
export function digestOfFinalStates(states: Iterable<readonly [session: string, state: unknown]>): string {
  const sorted = [...states].sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256(sorted.map(([session, state]) => `${session}\t${JSON.stringify(state)}`).join('\n'))
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The document after each transaction. */
export function* documents(lines: readonly TextLine[]): Generator<{ text: string; line: TextLine }> {
  let text = ''
  for (const [index, line] of lines.entries()) {
    const [position, deleted, inserted] = line.patch
    text = spliceCodePoints(text, position, deleted, inserted)
    if (lines[index + 1]?.txn !== line.txn) yield { text, line }
  }
}

/** Where no half of a surrogate pair is in the text, code points are units; elsewhere they are counted. */
function spliceCodePoints(text: string, position: number, deleted: number, inserted: string): string {
  if (!/[\ud800-\udfff]/.test(text))
    return text.slice(0, position) + inserted + text.slice(position + deleted)
  const points = Array.from(text)
  points.splice(position, deleted, inserted)
  return points.join('')
}
