import { encodeBase, STATE_ENCODING, type StateEncoding } from '../log/base.ts'
import type { RecordedState } from '../log/recorded-state.ts'
import { isPlainJson, stringifyState } from '../state/tagged-json.ts'

/** What compaction needs of a session in the cache. */
export interface CompactedSession extends LastSegment {
  readonly id: string
  readonly acknowledged: RecordedState
  readonly wholeBytes: number
  readonly bytesSince: number
}

/** The last sealed record: the version that it begins with (0 for none), and its size. */
export interface LastSegment {
  segmentVersion: number
  segmentBytes: number
}

/** The base that a session is rebuilt from, and the segment that its log ends with. */
export function baseOf(
  session: CompactedSession,
  state: RecordedState,
  { segmentVersion, segmentBytes }: LastSegment = session,
) {
  const [encoding, text] = encodeText(state.state)
  const { wholeBytes, bytesSince } = session
  return encodeBase({
    ...state,
    wholeBytes,
    bytesSince,
    segmentVersion,
    segmentBytes,
    encoding,
    text: Buffer.from(text),
  })
}

function encodeText(state: unknown): [StateEncoding, string] {
  if (state === undefined) return [STATE_ENCODING.NONE, '']
  return isPlainJson(state)
    ? [STATE_ENCODING.JSON, JSON.stringify(state)]
    : [STATE_ENCODING.TAGGED, stringifyState(state)]
}
