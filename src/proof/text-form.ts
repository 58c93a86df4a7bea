import { SessionlogError } from '../errors.ts'

/** What notes, checkpoints and proof files have in common: lines of text, in which some are base64 or a count. */

/** What such a text is refused with: it says nothing that anybody may rely on. */
export function invalidProof(what: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_PROOF_INVALID', what)
}

/**
 * Well-formed Unicode without control characters but newlines. An encoder would turn half of a surrogate pair into
 * another character: then other bytes would be signed.
 */
export function isCleanText(text: string): boolean {
  if (!text.isWellFormed()) return false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 && code !== 0x0a) return false
  }
  return true
}

/** Decimal, without leading zeros, and of no more digits than a number always holds exactly. */
export function isCount(text: string): boolean {
  return /^(0|[1-9][0-9]{0,14})$/.test(text)
}

export function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/**
 * The bytes of a text in base64 (RFC 4648, section 4), or `undefined` where it is not the one text that these bytes
 * have: with padding, without white space, and with zeros in the bits that are left over. `Buffer.from` takes much
 * more than that, and then a proof could be changed without anybody noticing.
 */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** The 32 bytes of a hash, in hexadecimal. */
export function hashFromBase64(text: string): string | undefined {
  const bytes = fromBase64(text)
  return bytes?.length === 32 ? bytes.toString('hex') : undefined
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
