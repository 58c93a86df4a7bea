import { SessionlogError } from '../errors.ts'
import { assertFormat } from '../log/format.ts'
import { originLine, parseCheckpoint } from '../proof/checkpoint.ts'
import { parseNote } from '../proof/note.ts'
import { isArray } from '../state/values.ts'
import { damaged, ITEM, type Item } from './item.ts'
import type { RedactOptions } from './redaction.ts'

/** What a bundle says of itself and of the store that it is from. */
export interface BundleHeader {
  /** Of the store: positions mean something only together with it. */
  readonly origin: string
  /** What wrote the bundle, with its version. */
  readonly writer: string
  /** The format of the log. */
  readonly format: number
  /** The schema of the store's states when the bundle was written. */
  readonly schemaVersion: number
  /** ms since the epoch, by the store's clock. */
  readonly exportedAt: number
  /** How many events the store had. */
  readonly position: number
  /** The root of the tree over all of them, hexadecimal: each event of the bundle is proved to be one of them. */
  readonly root: string
  /** The same, signed, where the store has a key. */
  readonly checkpoint?: string
  /** What was hidden before the bundle was written; undefined where nothing was. */
  readonly redacted?: RedactOptions
}

export interface BundleCounts {
  readonly sessions: number
  /** Those that are shown. */
  readonly events: number
  /** Of the events, how many had something to hide. */
  readonly redacted: number
}

const BUNDLE_FORMAT = 0

const NAMES = [
  ...['origin', 'writer', 'format', 'schemaVersion', 'exportedAt', 'position', 'root'],
  ...['checkpoint', 'redacted'],
]

/** The key of the header that says what the file is; anything else is no bundle. */
const MARK = 'sessionlog-bundle'

export function encodeHeader(header: BundleHeader): Item {
  return [ITEM.HEADER, { [MARK]: BUNDLE_FORMAT, ...header }]
}

/** The header, whose parts fit each other. Whether a signature is right is not asked here. */
export function decodeHeader([kind, given]: Item): BundleHeader {
  const { [MARK]: format, ...header } = Object(given) as Record<string, unknown>
  if (kind !== ITEM.HEADER || format === undefined) throw damaged('does not begin with a header')
  if (format !== BUNDLE_FORMAT)
    throw new SessionlogError(
      'SESSIONLOG_FORMAT_UNSUPPORTED',
      `The bundle has format ${format}, this version knows ${BUNDLE_FORMAT}`,
    )
  assertFormat("The bundle's log", header.format)
  if (!isHeader(header)) throw damaged('has a header that lacks something')
  const { checkpoint, origin, position, root } = header
  if (checkpoint !== undefined) {
    const signed = parseCheckpoint(parseNote(checkpoint).text)
    if (signed.origin !== originLine(origin) || signed.size !== position || signed.root !== root)
      throw new SessionlogError(
        'SESSIONLOG_PROOF_INVALID',
        "The bundle's checkpoint is not of the tree that it names",
      )
  }
  return Object.freeze(header)
}

function isHeader(header: object): header is BundleHeader {
  const { origin, writer, schemaVersion, exportedAt, position, root, checkpoint, redacted } =
    header as Record<string, unknown>
  const counts = [schemaVersion, exportedAt, position]
  return (
    [origin, writer, root].every(each => typeof each === 'string') &&
    counts.every(each => Number.isSafeInteger(each) && (each as number) >= 0) &&
    Object.keys(header).every(name => NAMES.includes(name)) &&
    ['string', 'undefined'].includes(typeof checkpoint) &&
    (redacted === undefined || isRedaction(redacted))
  )
}

function isRedaction(redacted: unknown): boolean {
  const { state, data, facts } = Object(redacted) as Record<string, unknown>
  return [state, data, facts].every(list => isArray(list) && list.every(each => typeof each === 'string'))
}
