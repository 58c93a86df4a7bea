import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionlogError } from '../errors.ts'
import type { Expiry, StoreRecord } from '../log/port.ts'
import { replaceFile } from './file.ts'

export const BACKUP_FORMAT = 0

/** One file of a backup: the commits after a position up to another, and their events. */
export interface BackupPart {
  readonly file: string
  readonly after: number
  readonly to: number
  readonly bytes: number
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string
}

/** `backup.json`: what a backup holds. It is replaced last, so what it doesn't name isn't part of the backup. */
export interface BackupList {
  readonly format: number
  /** The store's own record, with its origin and its policies. */
  readonly store: StoreRecord
  /** Of the last event. */
  readonly position: number
  /** Of the tree over all events, hexadecimal; and its peaks, from which the next run goes on. */
  readonly root: string
  readonly peaks: readonly string[]
  /** ms since the epoch. */
  readonly takenAt: number
  readonly parts: readonly BackupPart[]
  /** Of a store that had been pruned by then. */
  readonly pruned?: true
  /** Expiries that were moved by a touch; `null` is never. */
  readonly expiries: readonly {
    readonly sessionId: string
    readonly expiresAt: number | null
    readonly version: number
  }[]
}

export async function writeList(dest: string, list: BackupList): Promise<void> {
  await replaceFile(listPath(dest), `${JSON.stringify(list, null, 2)}\n`)
}

/** Undefined where there is no backup yet. */
export async function readList(dir: string): Promise<BackupList | undefined> {
  const path = listPath(dir)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot read ${path}`, { cause, path })
  }
  let list: BackupList
  try {
    list = JSON.parse(text) as BackupList
  } catch (cause) {
    throw new SessionlogError('SESSIONLOG_CORRUPTION', `${path} is damaged`, { cause, path })
  }
  if (list?.format === BACKUP_FORMAT && Array.isArray(list.parts) && typeof list.store?.origin === 'string')
    return list
  if (typeof list?.format !== 'number' || list.format === BACKUP_FORMAT)
    throw new SessionlogError('SESSIONLOG_CORRUPTION', `${path} is damaged`, { path })
  const message = `The backup has format ${list.format}, this version knows ${BACKUP_FORMAT}`
  throw new SessionlogError('SESSIONLOG_FORMAT_UNSUPPORTED', message, { path })
}

export function expiriesOf({ expiries }: BackupList): Expiry[] {
  return expiries.map(({ expiresAt, ...each }) => ({
    ...each,
    expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
  }))
}

function listPath(dir: string): string {
  return join(dir, 'backup.json')
}
