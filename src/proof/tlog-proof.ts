import { SessionlogTypeError } from '../errors.ts'
import { parseNote } from './note.ts'
import {
  fromBase64,
  hashFromBase64,
  invalidProof,
  isCleanText,
  isCount,
  isHash,
  toBase64,
} from './text-form.ts'

/** What a proof file holds (C2SP tlog-proof): that a leaf is in the tree of a checkpoint. */
export interface TlogProof {
  /** What the leaf was made of. Nothing vouches for it until its hash was compared. */
  readonly extra?: Uint8Array | undefined
  /** The leaf's place, from 0: an event's position less 1. */
  readonly index: number
  /** The inclusion proof, lowest sibling first, in hexadecimal. */
  readonly hashes: readonly string[]
  /** The signed note, as it was given out. */
  readonly checkpoint: string
}

/** The ending of a proof file's name. */
export const TLOG_PROOF_SUFFIX = '.tlog-proof'

export function formatTlogProof({ extra, index, hashes, checkpoint }: TlogProof): string {
  if (!isCount(String(index))) throw new SessionlogTypeError('index is a count', 'index')
  if (!hashes.every(isHash)) throw new SessionlogTypeError('A hash is 64 hexadecimal digits', 'hashes')
  const lines = [HEADER]
  if (extra !== undefined && extra.length > 0) lines.push(`extra ${toBase64(extra)}`)
  lines.push(`index ${index}`)
  for (const hash of hashes) lines.push(Buffer.from(hash, 'hex').toString('base64'))
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/** What a proof file consists of. Nothing is verified, but that the checkpoint is a note. */
export function parseTlogProof(text: string): TlogProof {
  if (!isCleanText(text)) throw invalidProof('A proof has control characters, or is not Unicode')
  // The lines before the checkpoint are not empty: the first blank line ends them.
  const end = text.indexOf('\n\n')
  if (end < 0) throw invalidProof('A proof has no checkpoint')
  const lines = text.slice(0, end).split('\n')
  const checkpoint = text.slice(end + 2)
  if (lines.shift() !== HEADER) throw invalidProof(`A proof does not begin with '${HEADER}'`)
  const extra = lines[0]?.startsWith('extra ') ? decodeExtra(lines.shift()!) : undefined
  const [, index = ''] = /^index (.*)$/.exec(lines.shift() ?? '') ?? []
  if (!isCount(index)) throw invalidProof('A proof does not say the index of its leaf')
  parseNote(checkpoint)
  return { extra, index: Number(index), hashes: lines.map(decodeHash), checkpoint }
}

const HEADER = 'c2sp.org/tlog-proof@v1'

function decodeExtra(line: string): Uint8Array {
  const extra = fromBase64(line.slice('extra '.length))
  if (extra === undefined || extra.length === 0) throw invalidProof("A proof's extra data is not base64")
  return extra
}

function decodeHash(line: string): string {
  const hash = hashFromBase64(line)
  if (hash === undefined) throw invalidProof('A proof has a line that is not a hash')
  return hash
}
