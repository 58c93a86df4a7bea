import { hash } from 'node:crypto'
import { hashPair, LEAF_BYTES, leftSize, type Range, siblingsOf } from './tree.ts'

/**
 * A tree of RFC 6962 that remembers the root of every complete subtree: many proofs from it cost hardly more than one,
 * for as many bytes again as the leaves have.
 */
export class WholeTree {
  readonly size: number
  /** Level `n` holds the roots of the complete subtrees of 2^n leaves, one after another. */
  readonly #levels: Buffer[]

  /** `leaves` as `tree.ts` has them; the first `size` of them, at least one. */
  constructor(leaves: Uint8Array, size: number) {
    this.size = size
    this.#levels = [Buffer.from(leaves.buffer, leaves.byteOffset, size * LEAF_BYTES)]
    for (let count = Math.floor(size / 2); count > 0; count = Math.floor(count / 2))
      this.#levels.push(levelAbove(this.#levels.at(-1)!, count))
  }

  root(): string {
    return this.#rootOf({ from: 0, to: this.size })
  }

  /** As `inclusionProof` has it. */
  inclusionProof(index: number): string[] {
    return siblingsOf(index, this.size).map(range => this.#rootOf(range))
  }

  #rootOf({ from, to }: Range): string {
    const size = to - from
    const left = leftSize(size)
    if (size > 1 && size !== 2 * left)
      return hashPair(this.#rootOf({ from, to: from + left }), this.#rootOf({ from: from + left, to }))
    const at = (from / size) * LEAF_BYTES
    return this.#levels[Math.log2(size)]!.toString('hex', at, at + LEAF_BYTES)
  }
}

function levelAbove(below: Buffer, count: number): Buffer {
  const level = Buffer.allocUnsafe(count * LEAF_BYTES)
  const pair = Buffer.alloc(1 + 2 * LEAF_BYTES, 1)
  for (let node = 0; node < count; node++) {
    below.copy(pair, 1, 2 * node * LEAF_BYTES)
    level.write(hash('sha256', pair, 'binary'), node * LEAF_BYTES, LEAF_BYTES, 'latin1')
  }
  return level
}
