import { checkNumber, checkOptions, wrong } from './arguments.ts'
import { SessionlogError } from './errors.ts'
import type { EventLog } from './log/port.ts'
import type { LogReader } from './log/reader.ts'
import { KIND } from './log/record.ts'
import type { Writer } from './log/writer.ts'
import { readLeaves } from './projection/leaves.ts'
import type { Past } from './projection/past.ts'
import type { Session } from './projection/session.ts'
import { originLine, parseCheckpoint, signCheckpoint } from './proof/checkpoint.ts'
import { parseNote } from './proof/note.ts'
import { prove } from './proof/prove.ts'
import { consistencyProof, treeRoot } from './proof/tree.ts'
import type { Compactor } from './snapshot/compactor.ts'

/** That the tree of the first `oldSize` events is the beginning of that of the first `newSize`. */
export interface ConsistencyProof {
  readonly oldSize: number
  readonly oldRoot: string
  readonly newSize: number
  readonly newRoot: string
  /** Hexadecimal, as RFC 9162 (2.1.4) orders them. */
  readonly proof: readonly string[]
}

/** Ends a long call with its reason. */
export interface ProofOptions {
  signal?: AbortSignal
}

export interface ProverParts {
  readonly log: EventLog
  readonly reader: LogReader
  readonly writer: Writer
  readonly past: Past
  readonly compactor: Compactor
  readonly origin: string
  readonly signingKey: string | undefined
}

/** Says what the log holds in a way that others can hold it to, and proves single events by it. */
export class Prover {
  readonly #parts: ProverParts

  constructor(parts: ProverParts) {
    this.#parts = parts
  }

  /** Signs the tree of all acknowledged events, as of this call. */
  async checkpoint(): Promise<string> {
    const { size, root } = await this.#tree()
    return this.sign(size, root)
  }

  sign(size: number, root: string): string {
    const { origin, signingKey } = this.#parts
    if (signingKey === undefined) throw wrong('A checkpoint needs the option signingKey', 'signingKey')
    return signCheckpoint({ origin: originLine(origin), size, root }, signingKey)
  }

  /** The proof file of a session's event: with a checkpoint of now, and all that its state is made from. */
  async prove(session: Session, version: number, options: ProofOptions): Promise<string> {
    checkNumber({ version }, 'version', 1)
    checkOptions(options, ['signal'])
    await this.#parts.past.recordedAt(session, version)
    const run = await this.#run(session.id, version, options.signal)
    const { size, root } = await this.#tree()
    const leaves = await this.#leaves(size, options.signal)
    return prove({
      run: run.map(event => event.bytes),
      leaves,
      index: run.at(-1)!.position - 1,
      checkpoint: this.sign(size, root),
    })
  }

  async proveConsistency(
    older: number | string,
    newer: number | string | undefined,
    options: ProofOptions,
  ): Promise<ConsistencyProof> {
    checkOptions(options, ['signal'])
    const { size } = await this.#tree()
    const [oldSize, newSize] = [sizeOf(older), newer === undefined ? size : sizeOf(newer)]
    if (newSize > size) {
      const message = `The log has ${size} events, and once had ${newSize}`
      throw new SessionlogError('SESSIONLOG_EVENTS_MISSING', message)
    }
    if (oldSize > newSize) throw wrong(`${oldSize} events are not the beginning of ${newSize}`, 'older')
    const leaves = await this.#leaves(newSize, options.signal)
    return {
      oldSize,
      oldRoot: treeRoot(leaves, oldSize),
      newSize,
      newRoot: treeRoot(leaves, newSize),
      proof: consistencyProof(leaves, oldSize, newSize),
    }
  }

  /** The session's events from the last one that holds the whole state up to a version. */
  async #run(id: string, version: number, signal?: AbortSignal) {
    const run = []
    const range = { from: 1, to: version, reverse: true, signal }
    for await (const record of this.#parts.reader.session(id, range)) {
      for (const event of record) {
        run.unshift(event)
        if (event.kind !== KIND.CHANGES) return run
      }
    }
    return run
  }

  #leaves(size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { compactor, log } = this.#parts
    return compactor.alone(either => readLeaves(log, size, either), signal)
  }

  /** As the last acknowledged commit left it, everything before the call included. */
  async #tree(): Promise<{ size: number; root: string }> {
    const { writer } = this.#parts
    let found = { size: 0, root: '' }
    await writer.settled()
    await writer.write(tree => {
      found = { size: tree.size, root: tree.root() }
      return []
    })
    return found
  }
}

/** A size, or that of a checkpoint. */
function sizeOf(given: number | string): number {
  const size = typeof given === 'string' ? parseCheckpoint(parseNote(given).text).size : given
  if (!Number.isSafeInteger(size) || size < 0) throw wrong(`${size} is no number of events`, 'size')
  return size
}
