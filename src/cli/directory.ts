import { type Dirent, statSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isAbsent } from '../snapshot/disk-use.ts'
import { readWitness, type Witness } from '../snapshot/witness.ts'

export const LOG = 'log'
export const SNAPSHOTS = 'sessions_v3'
export const ARCHIVE = 'archive'

/**
 * Whether a directory holds a store, or what is left of one. Asked before opening, which would make one. Anything
 * that the log's folder holds counts, so that a damaged store is reported as damaged.
 */
export async function hasStore(dir: string): Promise<boolean> {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) return false
  return (await hasLog(dir)) || (await witnessOf(dir)) || (await countSnapshots(dir)) > 0
}

/** Whether there is a log with anything in it: one that was made and then refused at once is none. */
export async function hasLog(dir: string): Promise<boolean> {
  const files = await list(join(dir, LOG))
  return files.some(({ name }) => /\.(ldb|sst|log)$/.test(name) && sizeOf(join(dir, LOG, name)) > 0)
}

/** What the last clean close or compaction noted; a damaged note counts as one, opening the store says so. */
async function witnessOf(dir: string): Promise<boolean> {
  return readWitness(dir).then(
    witness => witness !== undefined,
    () => true,
  )
}

export async function lastWitness(dir: string): Promise<Witness | undefined> {
  return readWitness(dir).catch(() => undefined)
}

export async function countSnapshots(dir: string): Promise<number> {
  const files = await list(join(dir, SNAPSHOTS))
  return files.filter(({ name }) => name.endsWith('.json')).length
}

/** Whether a path is the store's own folder of snapshots. */
export async function isOwnSnapshots(path: string, dir: string): Promise<boolean> {
  const [given, own] = await Promise.all([path, join(dir, SNAPSHOTS)].map(real))
  return given === own
}

async function list(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path))
}
