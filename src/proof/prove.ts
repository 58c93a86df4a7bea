import { SessionlogError, SessionlogTypeError } from '../errors.ts'
import { sha256 } from '../log/chain.ts'
import { encodeCbor } from '../state/cbor-values.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { parseNote } from './note.ts'
import { formatTlogProof } from './tlog-proof.ts'
import { inclusionProof, provesInclusion } from './tree.ts'

/** What a proof is made of. */
export interface ProofParts {
  /**
   * The session's events as they are stored, oldest first: from the last one that holds the whole state up to the
   * one that is proved, each without the 0 that is hashed before it.
   */
  readonly run: readonly Uint8Array[]
  /** The hashes of the store's events in position order: of all that the checkpoint is over, at the least. */
  readonly leaves: Uint8Array
  /** The proved event's place among them: its position less 1. */
  readonly index: number
  /** The signed note. */
  readonly checkpoint: string
}

/**
 * The text of a proof file: that the last event of the run is in the log of the checkpoint, and what the state was
 * after it. Raises `SESSIONLOG_PROOF_INVALID` where the checkpoint is not one of these events. Its signature is not
 * verified here: whoever has the proof does that.
 */
export function prove({ run, leaves, index, checkpoint }: ProofParts): string {
  const event = run.at(-1)
  if (event === undefined) throw new SessionlogTypeError('A run has at least one event', 'run')
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text)
  const hashes = inclusionProof(leaves, index, size)
  const leaf = sha256(Buffer.concat([LEAF_PREFIX, event]))
  if (!provesInclusion({ leaf, index, size, root, proof: hashes }))
    throw new SessionlogError('SESSIONLOG_PROOF_INVALID', 'The event is not in the tree of the checkpoint')
  return formatTlogProof({ extra: packRun(run), index, hashes, checkpoint })
}

/** The extra data of a proof file: a CBOR array of byte strings. */
export function packRun(run: readonly Uint8Array[]): Uint8Array {
  return encodeCbor(run.map(bytes => new Uint8Array(bytes)))
}

/** What RFC 6962 puts before what a leaf is made of. */
const LEAF_PREFIX = Buffer.of(0)
