import { ByteCursor } from './byte-cursor.ts'
import { crc32c, masked } from './crc32c.ts'
import { attempt, type LevelEntry, type OnDamage, VALUE } from './level-entry.ts'

const BLOCK_BYTES = 32 * 1024
/** The checksum, the length and the kind of a piece. */
const HEAD_BYTES = 7
const PIECE = { FULL: 1, FIRST: 2, MIDDLE: 3, LAST: 4 } as const
/** Of a batch: its first sequence number, and how many entries it has. */
const BATCH_HEAD_BYTES = 12

/**
 * The records of a file in the form of LevelDB's log: of its `.log` and of its manifest. LevelDB drops what follows a
 * damaged piece up to the end of its block; here the piece alone counts as damaged, and is given all the same. What the file
 * ends in the middle of is no record: nobody was told that it was written.
 */
export function* readJournal(bytes: Buffer, onDamage: OnDamage): Generator<Buffer, void, undefined> {
  let pieces: Buffer[] = []
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    const length = bytes.readUInt16LE(at + 4)
    const kind = bytes[at + 6]!
    const end = at + HEAD_BYTES + length
    if (left < HEAD_BYTES || kind === 0) at += left
    else if (HEAD_BYTES + length > left || kind > PIECE.LAST) {
      onDamage(at, 'a piece has no form')
      pieces = []
      at += left
    } else if (end > bytes.length) return
    else {
      if (masked(crc32c(bytes, at + 6, end)) !== bytes.readUInt32LE(at))
        onDamage(at, 'a piece is not as its checksum says')
      if (kind === PIECE.FULL || kind === PIECE.FIRST) pieces = []
      pieces.push(bytes.subarray(at + HEAD_BYTES, end))
      if (kind === PIECE.FULL || kind === PIECE.LAST)
        yield pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      at = end
    }
  }
}

/** The entries of LevelDB's own log, which holds what is in no table yet. */
export function* readBatches(bytes: Buffer, onDamage: OnDamage): Generator<LevelEntry, void, undefined> {
  for (const batch of readJournal(bytes, onDamage)) {
    if (batch.length < BATCH_HEAD_BYTES) continue
    let sequence = batch.readUIntLE(0, 6) + batch.readUInt16LE(6) * 2 ** 48
    const cursor = new ByteCursor(batch, BATCH_HEAD_BYTES)
    while (!cursor.atEnd) {
      const entry = attempt(() => {
        const isValue = cursor.byte() === VALUE
        return { key: cursor.text(), value: isValue ? cursor.text() : undefined, sequence: sequence++ }
      })
      if (entry === undefined) break
      yield entry
    }
  }
}
