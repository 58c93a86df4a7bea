import { type ErrorDetails, SessionlogError } from '../errors.ts'
import { encodeCbor, tryDecodeCbor } from '../state/cbor-values.ts'
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

/** What a field must be: `number` takes `Infinity` too, `count` only integers from 0. */
export type FieldType = keyof typeof FITS

const FITS = {
  text: (value: unknown) => typeof value === 'string',
  number: (value: unknown) => typeof value === 'number',
  count: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
  hash: (value: unknown) => value instanceof Uint8Array && value.length === HASH_BYTES,
  bytes: (value: unknown) => value instanceof Uint8Array,
  object: (value: unknown) => typeof value === 'object' && value !== null,
}

/**
 * The fields, once the hash has been compared: those of `types`, and then any number of times those of `repeated`.
 * `what` and `details` are for the error.
 */
export function decodeChecked(
  value: Uint8Array,
  types: readonly FieldType[],
  what: string,
  { repeated = [], ...details }: ErrorDetails & { repeated?: readonly FieldType[] } = {},
): unknown[] {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  const content = bytes.subarray(HASH_BYTES)
  if (bytes.length > HASH_BYTES && sha256(content) === bytes.toString('hex', 0, HASH_BYTES)) {
    const fields = tryDecodeCbor(content)
    if (fits(fields, types, repeated)) return fields
  }
  throw new SessionlogError('SESSIONLOG_CORRUPTION', `The ${what} in the log is damaged`, details)
}

function fits(
  fields: unknown,
  types: readonly FieldType[],
  repeated: readonly FieldType[],
): fields is unknown[] {
  if (!Array.isArray(fields) || fields.length < types.length) return false
  const more = fields.length - types.length
  if (repeated.length === 0 ? more > 0 : more % repeated.length > 0) return false
  return fields.every((field, at) =>
    FITS[types[at] ?? repeated[(at - types.length) % repeated.length]!](field),
  )
}
