import { realpath, stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import {
  checkIds,
  checkNumber,
  checkOptions,
  checkPath,
  checkPointer,
  checkType,
  wrong,
} from './arguments.ts'
import type { BundledSession } from './bundle/bundle-log.ts'
import { BundleWriter } from './bundle/bundle-writer.ts'
import type { BundleCounts } from './bundle/header.ts'
import { REDACTABLE_FACTS, type RedactOptions } from './bundle/redaction.ts'
import { notRetained, sessionNotFound, versionNotFound } from './errors.ts'
import { FORMAT } from './log/format.ts'
import type { ReadableLog } from './log/readable-log.ts'
import { packageName } from './package.ts'
import type { Progress } from './projection/history.ts'
import type { Recorded } from './projection/past.ts'
import type { Prover } from './prover.ts'
import { replaceFile } from './snapshot/file.ts'

/** What goes into a bundle, and where the bundle goes. */
export interface BundleOptions {
  /** The path of the bundle; a file that is there is replaced, whole or not at all. */
  file: string
  /** The first version, included. Default: 1. Only for one session. */
  from?: number
  /** The last version, included. Default: the session's version. Only for one session. */
  to?: number
  /** What to hide: places in the states, or more than that. With the former all `data` is hidden too, unless its places are named. */
  redact?: readonly string[] | RedactOptions
  /** Ends the writing with its reason; nothing is left of it. */
  signal?: AbortSignal
  /** Told again and again how many events have been written. */
  onProgress?: (progress: BundleCounts) => void
}

export interface BundleExport extends BundleCounts {
  /** Places that were to be hidden, at which nothing lay in any of the sessions: look for a slip. */
  readonly unmatched: readonly string[]
}

export interface ExportParts {
  readonly origin: string
  readonly schemaVersion: number
  readonly reader: ReadableLog
  readonly writer: Progress
  readonly prover: Prover
  readonly recorder: { now(): number }
}

/** Writes sessions to a file that can be read, checked and imported without the store. */
export async function exportBundle(
  { origin, schemaVersion, reader, writer, prover, recorder }: ExportParts,
  sessions: readonly Recorded[],
  { file, from, to, redact, signal, onProgress }: BundleOptions,
): Promise<BundleExport> {
  const target = await targetOf(file)
  await writer.settled()
  const bundled = sessions.map(session => rangeOf(session, reader.extent(session.id).first, { from, to }))
  const { tree, root, checkpoint } = await prover.prepare(signal)
  const header = {
    origin,
    writer: packageName(),
    format: FORMAT,
    schemaVersion,
    exportedAt: recorder.now(),
    position: tree.size,
    root,
    ...(checkpoint !== undefined && { checkpoint }),
    ...(redact !== undefined && { redacted: redactionOf(redact) }),
  }
  const bundle = new BundleWriter(reader, tree, header, text => prover.signText(text))
  let failure: { readonly error: unknown } | undefined
  const items = async function* () {
    try {
      for await (const item of bundle.write(bundled, signal)) {
        signal?.throwIfAborted()
        onProgress?.(bundle.counts)
        yield item
      }
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  // Whoever reads from it is told of an error, however late.
  const packed = createGzip().on('error', () => {})
  // Each ends with the other.
  pipeline(Readable.from(items()), packed, () => {})
  await replaceFile(target, packed).catch(error => {
    packed.destroy()
    throw failure === undefined ? error : failure.error
  })
  return { ...bundle.counts, unmatched: bundle.unmatched }
}

/** The file that a link leads to is replaced, not the link; and nothing that is no file, such as a device. */
async function targetOf(file: string): Promise<string> {
  const stats = await stat(file).catch(() => undefined)
  if (stats === undefined) return file
  if (!stats.isFile()) throw wrong(`'${file}' is there, and is no file`, 'file')
  return realpath(file)
}

/** Of a session of which there is nothing from before its version `begin`. */
function rangeOf(
  { id, acknowledged }: Recorded,
  begin: number,
  { from: first = begin, to }: { from: number | undefined; to: number | undefined },
): BundledSession {
  const head = acknowledged.version
  if (head === 0) throw sessionNotFound(id)
  const last = to ?? head
  if (Math.min(first, last) < begin) throw notRetained(id, begin)
  for (const version of [first, last]) if (version > head) throw versionNotFound(id, version, head)
  if (first > last) throw wrong(`from is ${first}, after ${last}`, 'from')
  return { id, first, last, head }
}

/** With every default filled in, as the bundle tells it. */
function redactionOf(redact: readonly string[] | RedactOptions): Required<RedactOptions> {
  const given: RedactOptions = Array.isArray(redact) ? { state: redact } : (redact as RedactOptions)
  const { state = [], facts = [] } = given
  // What is hidden in the states is likely to be in what they were made from; who hides facts has not said so.
  const { data = state.length > 0 ? [''] : [] } = given
  return { state, data, facts }
}

/** The ids, each once. */
export function checkExport(ids: string | Iterable<string>, options: BundleOptions): string[] {
  const list = checkIds(typeof ids === 'string' ? [ids] : ids, 'ids')
  if (list.length === 0) throw wrong('ids must have at least one', 'ids')
  checkOptions(options, ['file', 'from', 'to', 'redact', 'signal', 'onProgress'])
  checkPath(options.file, 'file')
  checkType(options, 'onProgress', 'function')
  for (const name of ['from', 'to'] as const) {
    checkNumber(options, name, 1)
    if (options[name] !== undefined && list.length > 1) throw wrong(`${name} goes with one session`, name)
  }
  if (options.redact !== undefined) checkRedaction(options.redact)
  return list
}

function checkRedaction(redact: readonly string[] | RedactOptions): void {
  if (typeof redact !== 'object' || redact === null)
    throw wrong('redact must be a list or an object', 'redact')
  if (!Array.isArray(redact)) checkOptions(redact, ['state', 'data', 'facts'])
  const { state, data, facts } = redactionOf(redact)
  for (const [name, list] of Object.entries({ state, data, facts })) {
    if (!Array.isArray(list)) throw wrong(`redact/${name} must be a list`, `redact/${name}`)
  }
  for (const [index, place] of state.entries()) checkPointer(place, `redact/state/${index}`)
  for (const [index, place] of data.entries()) checkPointer(place, `redact/data/${index}`)
  for (const [index, fact] of facts.entries())
    if (!REDACTABLE_FACTS.includes(fact))
      throw wrong(`'${fact}' is not one of ${REDACTABLE_FACTS.join(', ')}`, `redact/facts/${index}`)
}
