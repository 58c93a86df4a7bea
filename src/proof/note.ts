import { SessionlogTypeError } from '../errors.ts'
import { isKeyName, parseSkey, parseVkey, type VerifierKey } from './key.ts'
import { fromBase64, invalidProof, isCleanText, toBase64 } from './text-form.ts'

/** A signed note (C2SP signed-note): a text that ends in a newline, a blank line, and signatures, one a line. */
export interface Note {
  /** With its last newline: what the signatures are of. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export interface NoteSignature {
  readonly name: string
  /** The key's id, eight hexadecimal digits. */
  readonly id: string
  readonly bytes: Uint8Array
}

/** The note of a text, signed with these keys, in their order. */
export function signNote(text: string, skeys: string | readonly string[]): string {
  const keys = [skeys].flat()
  if (!text.endsWith('\n') || !isCleanText(text))
    throw new SessionlogTypeError('A note is text that ends in a newline, without control characters', 'text')
  if (keys.length === 0) throw new SessionlogTypeError('A note has a signature', 'skeys')
  return `${text}\n${keys.map(skey => signatureLine(text, skey)).join('')}`
}

/** What a note consists of. Nothing is verified: the text says nothing yet. */
export function parseNote(note: string): Note {
  if (!isCleanText(note)) throw invalidProof('A note has control characters, or is not Unicode')
  const end = note.lastIndexOf('\n\n') + 1
  if (end === 0) throw invalidProof('A note has no blank line before its signatures')
  const lines = note.slice(end + 1).split('\n')
  if (lines.pop() !== '' || lines.length === 0)
    throw invalidProof('A note does not end with signatures, one a line')
  if (lines.length > SIGNATURES_MAX) throw invalidProof(`A note has more than ${SIGNATURES_MAX} signatures`)
  return { text: note.slice(0, end), signatures: lines.map(parseSignature) }
}

export interface VerifiedNote extends Note {
  /** The vkeys whose signatures it has, in the order in which they were given. */
  readonly signers: readonly string[]
}

/**
 * A note that at least one of these keys signed. Signatures of other keys are not looked at, whatever they are; a
 * signature that claims to be of one of these and is not makes the note refused, whoever else signed it.
 */
export function verifyNote(note: string, vkeys: string | readonly string[]): VerifiedNote {
  const keys = [vkeys].flat().map(vkey => ({ vkey, key: parseVkey(vkey) }))
  const parsed = parseNote(note)
  const signers = keys.filter(({ key }) => isSignedBy(parsed, key)).map(({ vkey }) => vkey)
  if (signers.length === 0) throw invalidProof('A note is signed by none of the keys')
  return { ...parsed, signers }
}

/** The specification asks for 16 at the least, and for an end to them. */
const SIGNATURES_MAX = 100
const ID_BYTES = 4

function isSignedBy({ text, signatures }: Note, key: VerifierKey): boolean {
  const own = signatures.filter(({ name, id }) => name === key.name && id === key.id)
  if (own.some(({ bytes }) => !key.verify(text, bytes)))
    throw invalidProof(`A note's signature is not one of the key ${key.name}+${key.id}`)
  return own.length > 0
}

function signatureLine(text: string, skey: string): string {
  const key = parseSkey(skey)
  return `— ${key.name} ${toBase64(Buffer.concat([Buffer.from(key.id, 'hex'), key.sign(text)]))}\n`
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', data = ''] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? []
  const bytes = fromBase64(data)
  if (!isKeyName(name) || bytes === undefined || bytes.length <= ID_BYTES)
    throw invalidProof('A note has a line among its signatures that is none')
  return { name, id: bytes.toString('hex', 0, ID_BYTES), bytes: bytes.subarray(ID_BYTES) }
}
