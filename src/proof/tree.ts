import * as crypto from 'node:crypto'
import { SessionlogTypeError } from '../errors.ts'
import { isHash } from './text-form.ts'

/**
 * The Merkle tree of RFC 6962, section 2.1, over leaves that are all at hand: its root at any size, and proofs that
 * a leaf is in it and that it only grew. Leaves are their hashes, 32 bytes each, one after another. All other hashes
 * come in and go out in hexadecimal.
 */
export const LEAF_BYTES = 32

/** The root over the first `size` leaves; of none SHA-256 of nothing. */
export function treeRoot(leaves: Uint8Array, size = countOf(leaves)): string {
  checkSize(leaves, size, 'size')
  return size === 0 ? EMPTY_ROOT : rootOf(leaves, { from: 0, to: size })
}

/** Proves that the leaf at `index` is in the tree of `size`: the siblings on its way to the root, lowest first. */
export function inclusionProof(leaves: Uint8Array, index: number, size = countOf(leaves)): string[] {
  checkSize(leaves, size, 'size')
  return siblingsOf(index, size).map(range => rootOf(leaves, range))
}

/** The subtrees beside the way from a leaf to the root of a tree of `size`, lowest first. */
export function siblingsOf(index: number, size: number): Range[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    throw new SessionlogTypeError(`index is ${index}, with ${size} leaves`, 'index')
  const siblings: Range[] = []
  let { from, to } = { from: 0, to: size }
  while (to - from > 1) {
    const middle = from + leftSize(to - from)
    siblings.push(index < middle ? { from: middle, to } : { from, to: middle })
    if (index < middle) to = middle
    else from = middle
  }
  return siblings.reverse()
}

/** Proves that the tree of `newSize` begins with that of `oldSize`. Empty where there is nothing to prove. */
export function consistencyProof(leaves: Uint8Array, oldSize: number, newSize = countOf(leaves)): string[] {
  checkSize(leaves, newSize, 'newSize')
  checkSize(leaves, oldSize, 'oldSize')
  if (oldSize > newSize) throw new SessionlogTypeError(`oldSize is more than newSize, ${newSize}`, 'oldSize')
  if (oldSize === 0) return []
  const ranges: Range[] = []
  let { from, to } = { from: 0, to: newSize }
  while (to > oldSize) {
    const middle = from + leftSize(to - from)
    ranges.push(oldSize <= middle ? { from: middle, to } : { from, to: middle })
    if (oldSize <= middle) to = middle
    else from = middle
  }
  // A subtree that is the whole old tree is one whose root the verifier has.
  if (from > 0) ranges.push({ from, to })
  return ranges.reverse().map(range => rootOf(leaves, range))
}

export interface Inclusion {
  /** The leaf's hash, SHA-256(0x00 ‖ what was logged). */
  readonly leaf: string
  readonly index: number
  readonly size: number
  readonly root: string
  readonly proof: readonly string[]
}

/** RFC 9162, section 2.1.3.2. */
export function provesInclusion({ leaf, index, size, root, proof }: Inclusion): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || ![leaf, root, ...proof].every(isHash)) return false
  let [node, last] = [index, size - 1]
  let hash = leaf
  for (const sibling of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = hashPair(sibling, hash)
      // The last of an odd number is on the level above what it is here.
      while (node % 2 === 0 && node > 0) [node, last] = [half(node), half(last)]
    } else hash = hashPair(hash, sibling)
    node = half(node)
    last = half(last)
  }
  return last === 0 && hash === root
}

export interface Consistency {
  readonly oldSize: number
  readonly oldRoot: string
  readonly newSize: number
  readonly newRoot: string
  readonly proof: readonly string[]
}

/** RFC 9162, section 2.1.4.2; and a tree without leaves is the beginning of each. */
export function provesConsistency({ oldSize, oldRoot, newSize, newRoot, proof }: Consistency): boolean {
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) return false
  if (![oldRoot, newRoot, ...proof].every(isHash)) return false
  if (oldSize === newSize) return proof.length === 0 && oldRoot === newRoot
  if (oldSize === 0) return proof.length === 0 && oldRoot === EMPTY_ROOT
  let [node, last] = [oldSize - 1, newSize - 1]
  while (node % 2 === 1) [node, last] = [half(node), half(last)]
  // Where the old tree is one whole subtree, its root is not repeated.
  const [start, ...rest] = node === 0 ? [oldRoot, ...proof] : proof
  if (start === undefined || proof.length === 0) return false
  let old = start
  let grown = start
  for (const sibling of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      old = hashPair(sibling, old)
      grown = hashPair(sibling, grown)
      while (node % 2 === 0 && node > 0) [node, last] = [half(node), half(last)]
    } else grown = hashPair(grown, sibling)
    node = half(node)
    last = half(last)
  }
  return last === 0 && old === oldRoot && grown === newRoot
}

/** Leaves `from` to `to`, `to` not included. */
export interface Range {
  readonly from: number
  readonly to: number
}

const EMPTY_ROOT = crypto.createHash('sha256').digest('hex')

/** 0x01 and the two hashes of a pair; behind them the roots of the subtrees that wait for their right neighbour. */
const PAIR_BYTES = 1 + 2 * LEAF_BYTES
const work = Buffer.alloc(PAIR_BYTES + 64 * LEAF_BYTES, 1)
const pair = work.subarray(0, PAIR_BYTES)

/**
 * The root of a subtree that is not empty, in one pass and one buffer: nothing is allocated but what `crypto.hash`
 * answers with, which is fastest as Latin-1, a character a byte.
 */
function rootOf(leaves: Uint8Array, { from, to }: Range): string {
  const source = Buffer.from(leaves.buffer, leaves.byteOffset, leaves.byteLength)
  let end = PAIR_BYTES
  for (let index = from; index < to; index++) {
    source.copy(work, end, index * LEAF_BYTES, (index + 1) * LEAF_BYTES)
    end += LEAF_BYTES
    for (let rest = index - from; rest % 2 === 1; rest = half(rest)) end = joinLast(end)
  }
  while (end > PAIR_BYTES + LEAF_BYTES) end = joinLast(end)
  return work.toString('hex', PAIR_BYTES, end)
}

/** Puts the two last subtrees together, and answers with where the one that they make ends. */
function joinLast(end: number): number {
  work.copyWithin(1, end - 2 * LEAF_BYTES, end)
  work.write(crypto.hash('sha256', pair, 'binary'), end - 2 * LEAF_BYTES, LEAF_BYTES, 'latin1')
  return end - LEAF_BYTES
}

/** An inner node: SHA-256(0x01 ‖ left ‖ right). */
export function hashPair(left: string, right: string): string {
  pair.write(left, 1, 'hex')
  pair.write(right, 1 + LEAF_BYTES, 'hex')
  return crypto.hash('sha256', pair, 'hex')
}

/** The size of a tree's left subtree: the largest power of two below the tree's own. */
export function leftSize(size: number): number {
  let left = 1
  while (2 * left < size) left *= 2
  return left
}

/** Sizes may need more than the 32 bits that shifts have. */
function half(number: number): number {
  return Math.floor(number / 2)
}

function countOf(leaves: Uint8Array): number {
  return leaves.byteLength / LEAF_BYTES
}

function checkSize(leaves: Uint8Array, size: number, path: string): void {
  if (!isSize(size) || size > countOf(leaves))
    throw new SessionlogTypeError(`${path} is ${size}, with ${countOf(leaves)} leaves`, path)
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0
}
