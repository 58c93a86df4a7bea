import { SessionlogError } from '../errors.ts'
import { decodeCbor, encodeCbor } from '../state/cbor-values.ts'
import { sha256 } from './chain.ts'

const HASH_BYTES = 32

/** A CBOR array behind its own SHA-256, for what the log keeps beside events. */
export function encodeChecked(fields: readonly unknown[]): Uint8Array {
  const bytes = encodeCbor(fields)
  const checked = Buffer.allocUnsafe(HASH_BYTES + bytes.length)
  checked.write(sha256(bytes), 0, HASH_BYTES, 'hex')
  checked.set(bytes, HASH_BYTES)
  return checked
}

/** The fields, once the hash has been compared. `what` and `sessionId` are for the error. */
export function decodeChecked(value: Uint8Array, what: string, sessionId?: string): unknown[] {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const content = bytes.subarray(HASH_BYTES)
  if (bytes.length > HASH_BYTES && sha256(content) === bytes.toString('hex', 0, HASH_BYTES)) {
    return decodeCbor(content) as unknown[]
  }
  const details = sessionId === undefined ? {} : { sessionId }
  throw new SessionlogError('SESSIONLOG_CORRUPTION', `The ${what} in the log is damaged`, details)
}
