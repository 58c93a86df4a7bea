import { SessionlogTypeError } from '../errors.ts'
import { signNote, verifyNote } from './note.ts'
import { hashFromBase64, invalidProof, isCleanText, isCount, isHash } from './text-form.ts'

/** What a log says of itself (C2SP tlog-checkpoint): so many leaves, and this root over them. */
export interface Checkpoint {
  /** The first line: which log this is. */
  readonly origin: string
  /** How many leaves: the position of the last event. */
  readonly size: number
  /** In hexadecimal. */
  readonly root: string
  /** Lines that are nobody's business but the log's and its readers'. */
  readonly extensions?: readonly string[]
}

/** The origin line of a store, and the name that its key has unless it was given another. */
export function originLine(origin: string): string {
  return `sessionlog/${origin}`
}

/** The text of a note, to be signed. */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  if (!isCount(String(size))) throw new SessionlogTypeError('size is a count', 'size')
  if (!isHash(root)) throw new SessionlogTypeError('root is 64 hexadecimal digits', 'root')
  if (!isLine(origin)) throw new SessionlogTypeError('origin is one line of text', 'origin')
  if (!extensions.every(isLine))
    throw new SessionlogTypeError('An extension is one line of text', 'extensions')
  const lines = [origin, size, Buffer.from(root, 'hex').toString('base64'), ...extensions]
  return `${lines.join('\n')}\n`
}

/** What the text of a note says, of which the signature must have been verified. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length < 3 || !lines.every(isLine))
    throw invalidProof('A checkpoint is not made of three lines or more, none of them empty')
  const [origin, size, hash, ...extensions] = lines as [string, string, string, ...string[]]
  if (!isCount(size)) throw invalidProof("A checkpoint's second line is not its size")
  const root = hashFromBase64(hash)
  if (root === undefined) throw invalidProof("A checkpoint's third line is not its root")
  return { origin, size: Number(size), root, extensions }
}

/** The signed note of a checkpoint. */
export function signCheckpoint(checkpoint: Checkpoint, skeys: string | readonly string[]): string {
  return signNote(formatCheckpoint(checkpoint), skeys)
}

/** The checkpoint of a signed note that at least one of these keys signed. */
export function verifyCheckpoint(note: string, vkeys: string | readonly string[]): Checkpoint {
  return parseCheckpoint(verifyNote(note, vkeys).text)
}

function isLine(text: string): boolean {
  return text !== '' && isCleanText(text) && !text.includes('\n')
}
