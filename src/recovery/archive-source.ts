import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveNumber, decodeBlock } from '../log/archive-file.ts'
import { readFrames } from '../log/frames.ts'
import { tryDecodeCbor } from '../state/cbor-values.ts'
import type { Finds } from './finds.ts'
import type { OnFileDamage } from './level-files.ts'
import { soundEvents } from './sound-events.ts'
import { LOOK_EVERY, type Source } from './source.ts'

/** The files of the archive, whether the log names them or not. */
export class ArchiveSource implements Source {
  readonly name = 'archive'
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async read(finds: Finds, onDamage: OnFileDamage, signal?: AbortSignal): Promise<void> {
    const names = await readdir(this.#path).catch(() => [])
    for (const name of names.filter(each => archiveNumber(each) !== undefined).sort()) {
      const path = join(this.#path, name)
      try {
        await readFile(path, finds, onDamage, signal)
      } catch (error) {
        signal?.throwIfAborted()
        onDamage({ path, what: (error as Error).message })
      }
    }
  }
}

/** Each block has a hash of its own, and each event in it. */
async function readFile(
  path: string,
  finds: Finds,
  onDamage: OnFileDamage,
  signal: AbortSignal | undefined,
): Promise<void> {
  let frames = 0
  let isEnded = false
  for await (const frame of readFrames(createReadStream(path))) {
    if (++frames % LOOK_EVERY === 0) signal?.throwIfAborted()
    const item = tryDecodeCbor(frame)
    const isBlock = Array.isArray(item) && item.length === 4 && frames > 1
    isEnded = Array.isArray(item) && item.length === 2
    if (!isBlock) continue
    const records = await decodeBlock(frame).catch(() => undefined)
    if (records === undefined) onDamage({ path, what: `its block ${frames - 1} is not as its hash says` })
    for (const { bytes } of records ?? []) await finds.events(soundEvents(Buffer.from(bytes)).events)
  }
  if (!isEnded) onDamage({ path, what: 'it ends before its end' })
}
