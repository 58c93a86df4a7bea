import * as crypto from 'node:crypto'

/** The hash before a session's first event. */
export const NO_HASH = '0'.repeat(64)

/** SHA-256 in hexadecimal. `crypto.hash` came with Node 20.12 and costs a quarter of `createHash`. */
export function sha256(bytes: Uint8Array): string {
  return crypto.hash('sha256', bytes, 'hex')
}

const pair = Buffer.alloc(65, 1)

/**
 * An inner node of an RFC 6962 tree: SHA-256(0x01 ‖ left ‖ right). Leaves come as hexadecimal text, inner nodes
 * stay Latin-1 text, a character a byte: read and written at half the cost.
 */
function hashPair(left: string, right: string): string {
  write(left, 1)
  write(right, 33)
  return crypto.hash('sha256', pair, 'binary')
}

function write(hash: string, at: number): void {
  pair.write(hash, at, 32, hash.length === 32 ? 'latin1' : 'hex')
}

function toHex(hash: string): string {
  return hash.length === 32 ? Buffer.from(hash, 'latin1').toString('hex') : hash
}

/**
 * The Merkle tree of RFC 6962, section 2.1, over all events in position order. It keeps only the roots of
 * its complete subtrees, largest first (at most 53), so appending costs one hash on average.
 */
export class MerkleTree {
  #size: number
  readonly #peaks: string[]

  /** `peaks`, as all hashes that come in or go out, in hexadecimal. */
  constructor(size = 0, peaks: readonly string[] = []) {
    this.#size = size
    this.#peaks = [...peaks]
  }

  /** How many leaves: the position of the last event. */
  get size(): number {
    return this.#size
  }

  get peaks(): readonly string[] {
    return this.#peaks.map(toHex)
  }

  /** `leaf` is an event's hash: SHA-256(0x00 ‖ bytes), as RFC 6962 has it; in hexadecimal, or in Latin-1 as inner nodes. */
  append(leaf: string): void {
    let hash = leaf
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2)
      hash = hashPair(this.#peaks.pop()!, hash)
    this.#peaks.push(hash)
    this.#size++
  }

  /** The tree's root; of an empty tree SHA-256 of nothing. */
  root(): string {
    let root = this.#peaks.at(-1)
    if (root === undefined) return sha256(new Uint8Array(0))
    for (let i = this.#peaks.length - 2; i >= 0; i--) root = hashPair(this.#peaks[i]!, root)
    return toHex(root)
  }

  /** True where `peaks` could be a tree of that size: one peak for each bit that is set. */
  static fits(size: number, peaks: readonly string[]): boolean {
    let bits = 0
    for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2
    return bits === peaks.length
  }
}
