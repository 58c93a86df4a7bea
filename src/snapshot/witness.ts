import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionlogError } from '../errors.ts'
import { assertFormat } from '../log/format.ts'
import { replaceFile } from './file.ts'

/**
 * How far the log had come, noted outside of it at each clean close and compaction. LevelDB drops a damaged
 * tail of its own log without a word; this file is what can tell that there was more.
 */
export interface Witness {
  readonly format: number
  readonly origin: string
  readonly position: number
  /** The root of the tree over all events up to that position. */
  readonly root: string
  /** Up to which position every session's snapshot is there: what an import of the snapshots alone brings back. */
  readonly snapshots: number
  /** ms since the epoch. */
  readonly recordedAt: number
}

export function witnessPath(directory: string): string {
  return join(directory, 'head.json')
}

export async function writeWitness(directory: string, witness: Witness): Promise<void> {
  await replaceFile(witnessPath(directory), `${JSON.stringify(witness, null, 2)}\n`)
}

export async function readWitness(directory: string): Promise<Witness | undefined> {
  const path = witnessPath(directory)
  let witness: Witness | undefined
  try {
    witness = wholeWitness(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SessionlogError('SESSIONLOG_CORRUPTION', `${path} is damaged`, { cause, path })
  }
  if (witness === undefined)
    throw new SessionlogError('SESSIONLOG_CORRUPTION', `${path} is damaged`, { path })
  assertFormat(path, witness.format, path)
  return witness
}

function wholeWitness(witness: Witness): Witness | undefined {
  const { format, position, snapshots, origin } = witness
  const isWhole = [format, position, snapshots].every(Number.isSafeInteger) && typeof origin === 'string'
  return isWhole ? witness : undefined
}
