import { SessionlogError } from '../errors.ts'
import { decodeChecked, encodeChecked, type FieldType } from './checked.ts'
import type { StoredBase } from './port.ts'

/**
 * A session's whole state at a version. Its text is JSON, which is read faster and into less memory than
 * CBOR: as it is where the state is plain JSON, otherwise with the tags of `tagged-json.ts`.
 */
export interface Base {
  readonly sessionId: string
  readonly version: number
  readonly position: number
  readonly recordedAt: number
  /** Of the event at that version. */
  readonly hash: string
  readonly schemaVersion: number
  readonly expiresAt: number
  readonly wholeBytes: number
  readonly bytesSince: number
  /** The session's last sealed record: the version that it begins with, and its size. */
  readonly segmentVersion: number
  readonly segmentBytes: number
  readonly encoding: StateEncoding
  /** UTF-8; empty where there is no state. */
  readonly text: Uint8Array
}

export const STATE_ENCODING = { NONE: 0, JSON: 1, TAGGED: 2 } as const
export type StateEncoding = (typeof STATE_ENCODING)[keyof typeof STATE_ENCODING]

export function encodeBase(base: Base): StoredBase {
  const bytes = encodeChecked([
    base.sessionId,
    base.version,
    base.position,
    base.recordedAt,
    Buffer.from(base.hash, 'hex'),
    base.schemaVersion,
    base.expiresAt,
    base.wholeBytes,
    base.bytesSince,
    base.segmentVersion,
    base.segmentBytes,
    base.encoding,
    base.text,
  ])
  return { sessionId: base.sessionId, bytes }
}

function unknownEncoding(what: string, sessionId: string): SessionlogError {
  const message = `The ${what} in the log has an encoding that is not known`
  return new SessionlogError('SESSIONLOG_CORRUPTION', message, { sessionId })
}

const COUNTS = Array<FieldType>(4).fill('count')
const FIELDS: readonly FieldType[] = [
  ...(['text', 'count', 'count', 'number', 'hash', 'count', 'number'] as const),
  ...COUNTS,
  'count',
  'bytes',
]

/** Its `text` lies in the stored bytes. */
export function decodeBase({ sessionId, bytes }: StoredBase): Base {
  const what = `base of session '${sessionId}'`
  const fields = decodeChecked(bytes, FIELDS, what, { sessionId })
  if ((fields[11] as number) > STATE_ENCODING.TAGGED) throw unknownEncoding(what, sessionId)
  return {
    sessionId: fields[0] as string,
    version: fields[1] as number,
    position: fields[2] as number,
    recordedAt: fields[3] as number,
    hash: (fields[4] as Buffer).toString('hex'),
    schemaVersion: fields[5] as number,
    expiresAt: fields[6] as number,
    wholeBytes: fields[7] as number,
    bytesSince: fields[8] as number,
    segmentVersion: fields[9] as number,
    segmentBytes: fields[10] as number,
    encoding: fields[11] as StateEncoding,
    text: fields[12] as Uint8Array,
  }
}
