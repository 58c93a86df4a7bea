import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { SessionlogTypeError } from '../errors.ts'
import { fromBase64, isCleanText, toBase64 } from './text-form.ts'

/**
 * Ed25519 keys in the text forms of C2SP signed-note: a verifier key, `<name>+<id>+<keydata>`, which anybody may
 * have, and a signer's key, `PRIVATE+KEY+<name>+<id>+<keydata>`, which is a secret. The data is base64 of the type
 * and 32 bytes: the public key, or the seed that RFC 8032 calls the private key.
 */
export interface VerifierKey {
  readonly name: string
  /** Eight hexadecimal digits. Together with the name it says which key signed; it is no proof of that. */
  readonly id: string
  verify(text: string, signature: Uint8Array): boolean
}

export interface SignerKey {
  readonly name: string
  readonly id: string
  /** The verifier key's text form. */
  readonly vkey: string
  sign(text: string): Uint8Array
}

export interface KeyPair {
  readonly skey: string
  readonly vkey: string
}

/** A new pair of keys by that name, usually the origin line of the store that it signs for. */
export function generateKey(name: string): KeyPair {
  if (typeof name !== 'string' || !isKeyName(name))
    throw new SessionlogTypeError(
      'A key name is not empty, and has no spaces, no control characters and no +',
      'name',
    )
  const seed = bytesOf(generateKeyPairSync('ed25519').privateKey, 'd')
  const { id, vkey } = signerKey(name, seed)
  return { skey: `${PRIVATE}${name}+${id}+${keyData(seed)}`, vkey }
}

export function parseVkey(vkey: string): VerifierKey {
  const { name, id, bytes } = parse(vkey, 'vkey')
  if (id !== keyId(name, bytes)) throw malformed('vkey')
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') },
    format: 'jwk',
  })
  return { name, id, verify: (text, signature) => verify(null, Buffer.from(text), key, signature) }
}

export function parseSkey(skey: string): SignerKey {
  if (!skey.startsWith(PRIVATE)) throw malformed('skey')
  const { name, id, bytes } = parse(skey.slice(PRIVATE.length), 'skey')
  const key = signerKey(name, bytes)
  if (id !== key.id) throw malformed('skey')
  return key
}

/** A key name is not empty, and has no Unicode spaces and no plus; nor control characters, which no note has. */
export function isKeyName(name: string): boolean {
  return isCleanText(name) && /^[^\p{White_Space}+]+$/u.test(name)
}

const PRIVATE = 'PRIVATE+KEY+'
/** The signature type of C2SP signed-note that stands for Ed25519 over the note's text. */
const ED25519 = 1
const KEY_BYTES = 32
/** What stands before the seed where a private key is PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

function signerKey(name: string, seed: Uint8Array): SignerKey {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = bytesOf(key, 'x')
  const id = keyId(name, publicKey)
  return {
    name,
    id,
    vkey: `${name}+${id}+${keyData(publicKey)}`,
    sign: text => sign(null, Buffer.from(text), key),
  }
}

function parse(text: string, path: string): { name: string; id: string; bytes: Buffer } {
  // Base64 may have plus signs of its own: only the first two divide.
  const [, name = '', id = '', data = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? []
  const bytes = fromBase64(data)
  if (!isKeyName(name) || bytes?.length !== 1 + KEY_BYTES || bytes[0] !== ED25519) throw malformed(path)
  return { name, id, bytes: bytes.subarray(1) }
}

function keyId(name: string, publicKey: Uint8Array): string {
  const parts = [Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex').slice(0, 8)
}

function keyData(bytes: Uint8Array): string {
  return toBase64(Buffer.concat([Buffer.of(ED25519), bytes]))
}

function bytesOf(key: KeyObject, member: 'd' | 'x'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[member]!, 'base64url')
}

/** Never says what was given: it may be a secret. */
function malformed(path: string): SessionlogTypeError {
  return new SessionlogTypeError(`${path} is not an Ed25519 key of C2SP signed-note`, path)
}
