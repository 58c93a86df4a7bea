import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { wrong } from '../arguments.ts'
import { hasCode, SessionlogError } from '../errors.ts'
import { readItems } from '../snapshot/backup-file.ts'
import { type BackupList, expiriesOf, readList } from '../snapshot/backup-list.ts'
import type { Finds } from './finds.ts'
import type { OnFileDamage } from './level-files.ts'
import { soundEvents } from './sound-events.ts'
import { LOOK_EVERY, type Source } from './source.ts'

/** A backup of the store. One whose list is damaged is read by the names of its files. */
export class BackupSource implements Source {
  readonly name = 'backup'
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async read(finds: Finds, onDamage: OnFileDamage, signal?: AbortSignal): Promise<void> {
    const list = await this.#list(onDamage)
    if (list !== undefined) this.#compare(list, finds)
    for (const { file, sha256 } of list?.parts ?? (await this.#files())) {
      const path = join(this.#path, file)
      const isSound = (await hashOf(path)) === sha256
      // The list is what has the hash of a file.
      if (!isSound && list !== undefined) onDamage({ path, what: 'it is not as the backup wrote it' })
      try {
        await readPart(path, sha256, { finds, isSound, signal })
      } catch (error) {
        if (isSound) throw error
        signal?.throwIfAborted()
      }
    }
    if (list === undefined) return
    finds.record ??= list.store
    for (const expiry of expiriesOf(list))
      if (!finds.expiries.has(expiry.sessionId)) finds.expiries.set(expiry.sessionId, expiry)
    finds.hear(list.position)
  }

  async #list(onDamage: OnFileDamage): Promise<BackupList | undefined> {
    try {
      const list = await readList(this.#path)
      if (list !== undefined || (await this.#files()).length > 0) return list
      throw wrong(`There is no backup in '${this.#path}'`, 'backup')
    } catch (error) {
      if (!hasCode(error, 'SESSIONLOG_CORRUPTION')) throw error
      onDamage({ path: join(this.#path, 'backup.json'), what: 'it is damaged' })
      return undefined
    }
  }

  async #files(): Promise<{ file: string; sha256: string }[]> {
    const names = await readdir(this.#path).catch(() => [])
    const files = names.filter(name => /^events-\d+-\d+\.slogb$/.test(name))
    return files.sort().map(file => ({ file, sha256: '' }))
  }

  /** Positions and versions of another store would be taken for those of this one. */
  #compare({ store }: BackupList, { origin }: Finds): void {
    if (origin === undefined || origin === store.origin) return
    const message = `The backup in ${this.#path} is of another store, ${store.origin}`
    throw new SessionlogError('SESSIONLOG_EVENTS_MISSING', message, { path: this.#path })
  }
}

interface Reading {
  readonly finds: Finds
  readonly isSound: boolean
  readonly signal: AbortSignal | undefined
}

/** Of a file that is damaged the events alone, which have hashes of their own. */
async function readPart(path: string, sha256: string, { finds, isSound, signal }: Reading): Promise<void> {
  let items = 0
  for await (const item of readItems(path, sha256)) {
    if (++items % LOOK_EVERY === 0) signal?.throwIfAborted()
    if (item.kind === 'record') await finds.events(soundEvents(Buffer.from(item.record.bytes)).events)
    else if (item.kind === 'commit' && isSound) await finds.commit(item.commit)
  }
}

/** Undefined where the file can't be read. */
async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path)) hash.update(piece)
    return hash.digest('hex')
  } catch {
    return undefined
  }
}
