import { checkNumber, checkOptions, wrong } from './arguments.ts'
import { SessionlogError } from './errors.ts'
import { MerkleTree } from './log/chain.ts'
import type { CommitRecord, LogView } from './log/port.ts'
import type { LogReader } from './log/reader.ts'
import { KIND } from './log/record.ts'
import type { LogWriter } from './log/writer.ts'
import { readLeaves } from './projection/leaves.ts'
import type { Past, Recorded } from './projection/past.ts'
import { originLine, parseCheckpoint, signCheckpoint } from './proof/checkpoint.ts'
import { parseNote, signNote } from './proof/note.ts'
import { prove } from './proof/prove.ts'
import { consistencyProof, treeRoot } from './proof/tree.ts'
import { WholeTree } from './proof/whole-tree.ts'

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
  readonly log: { lastCommit(): Promise<CommitRecord | undefined>; view(): LogView | Promise<LogView> }
  readonly reader: LogReader
  readonly writer: LogWriter
  readonly past: Past
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
    if (signingKey === undefined) throw noKey()
    return signCheckpoint({ origin: originLine(origin), size, root }, signingKey)
  }

  /** The proof file of a session's event: with a checkpoint of now, and all that its state is made from. */
  async prove(session: Recorded, version: number, options: ProofOptions): Promise<string> {
    checkNumber({ version }, 'version', 1)
    checkOptions(options, ['signal'])
    if (this.#parts.signingKey === undefined) throw noKey()
    await this.#parts.past.stateAndHash(session, version)
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

  /** A signed note of a text; undefined without a key. */
  signText(text: string): string | undefined {
    const { signingKey } = this.#parts
    return signingKey && signNote(text, signingKey)
  }

  /** The tree of all acknowledged events as of this call, to prove many of them. */
  async prepare(
    signal?: AbortSignal,
  ): Promise<{ tree: WholeTree; root: string; checkpoint: string | undefined }> {
    const { size, root } = await this.#tree()
    const tree = new WholeTree(await this.#leaves(size, signal), size)
    if (tree.root() !== root)
      throw new SessionlogError(
        'SESSIONLOG_CORRUPTION',
        'The log is not as its root says: verify() says where',
      )
    const checkpoint = this.#parts.signingKey === undefined ? undefined : this.sign(size, root)
    return { tree, root, checkpoint }
  }

  async proveConsistency(
    older: number | string,
    newer: number | string | undefined,
    options: ProofOptions,
  ): Promise<ConsistencyProof> {
    checkOptions(options, ['signal'])
    const { size } = await this.#tree()
    const [old, now] = [this.#claim(older), newer === undefined ? { size } : this.#claim(newer)]
    const most = Math.max(old.size, now.size)
    if (most > size) throw missing(`The log has ${size} events, and once had ${most}`)
    if (old.size > now.size) throw wrong(`${old.size} events are not the beginning of ${now.size}`, 'older')
    const leaves = await this.#leaves(now.size, options.signal)
    return {
      oldSize: old.size,
      oldRoot: rootOf(leaves, old),
      newSize: now.size,
      newRoot: rootOf(leaves, now),
      proof: consistencyProof(leaves, old.size, now.size),
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

  async #leaves(size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const view = await this.#parts.log.view()
    return readLeaves(view, size, signal).finally(() => view.close())
  }

  /** What a size, or a checkpoint, says. Whether it was signed is for whoever kept it to know. */
  #claim(given: number | string): Claim {
    if (typeof given === 'number') {
      checkNumber({ size: given }, 'size', 0)
      return { size: given }
    }
    const { origin, size, root } = parseCheckpoint(parseNote(given).text)
    const own = originLine(this.#parts.origin)
    if (origin !== own) throw missing(`The checkpoint is of '${origin}', this store is '${own}'`)
    return { size, root }
  }

  /** As the last acknowledged commit left it, everything before the call included; and on the disk. */
  async #tree(): Promise<{ size: number; root: string }> {
    const { log, writer } = this.#parts
    await writer.settled()
    const last = await log.lastCommit()
    await writer.makeDurable()
    if (writer.failure !== undefined) throw writer.failure
    return { size: last?.lastPosition ?? 0, root: last?.root ?? new MerkleTree().root() }
  }
}

interface Claim {
  readonly size: number
  readonly root?: string
}

/** The root of the first events, which must be the one that was claimed. */
function rootOf(leaves: Uint8Array, { size, root }: Claim): string {
  const found = treeRoot(leaves, size)
  if (root === undefined || root === found) return found
  throw missing(`The first ${size} events are not those that the checkpoint was given out for`)
}

function missing(message: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_EVENTS_MISSING', message)
}

function noKey(): Error {
  return wrong('A checkpoint needs the option signingKey', 'signingKey')
}
