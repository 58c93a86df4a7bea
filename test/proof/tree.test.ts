import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  consistencyProof,
  inclusionProof,
  provesConsistency,
  provesInclusion,
  treeRoot,
} from '../../src/proof/tree.ts'
import { codeOf } from '../support/outcome.ts'

const sha256 = (hex: string) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex')

/** RFC 6962, section 2.1, as it is written there. */
function MTH(leaves: readonly string[]): string {
  if (leaves.length === 0) return sha256('')
  if (leaves.length === 1) return leaves[0]!
  const k = leftOf(leaves.length)
  return sha256(`01${MTH(leaves.slice(0, k))}${MTH(leaves.slice(k))}`)
}

function PATH(m: number, leaves: readonly string[]): string[] {
  if (leaves.length === 1) return []
  const k = leftOf(leaves.length)
  return m < k
    ? [...PATH(m, leaves.slice(0, k)), MTH(leaves.slice(k))]
    : [...PATH(m - k, leaves.slice(k)), MTH(leaves.slice(0, k))]
}

function SUBPROOF(m: number, leaves: readonly string[], b: boolean): string[] {
  if (m === leaves.length) return b ? [] : [MTH(leaves)]
  const k = leftOf(leaves.length)
  return m <= k
    ? [...SUBPROOF(m, leaves.slice(0, k), b), MTH(leaves.slice(k))]
    : [...SUBPROOF(m - k, leaves.slice(k), false), MTH(leaves.slice(0, k))]
}

function leftOf(n: number): number {
  let k = 1
  while (2 * k < n) k *= 2
  return k
}

const leafOf = (data: string) => sha256(`00${data}`)
const packed = (leaves: readonly string[]) => Buffer.from(leaves.join(''), 'hex')
const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => leafOf(n.toString(16).padStart(8, '0')))

/** The test vectors of Certificate Transparency's reference implementation. */
const DATA = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const NODE_1 = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'
const NODE_2_3 = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e'
const NODE_4 = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b'
const NODE_4_5 = '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a'
const NODE_4_7 = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4'
const NODE_6_7 = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0'
const INCLUSIONS: [index: number, size: number, proof: string[]][] = [
  [0, 1, []],
  [0, 8, [NODE_1, NODE_2_3, NODE_4_7]],
  [5, 8, [NODE_4, NODE_6_7, ROOTS[4]!]],
  [2, 3, [ROOTS[2]!]],
  [1, 5, [ROOTS[1]!, NODE_2_3, NODE_4]],
]
const CONSISTENCIES: [oldSize: number, newSize: number, proof: string[]][] = [
  [1, 1, []],
  [1, 8, [NODE_1, NODE_2_3, NODE_4_7]],
  [6, 8, [NODE_4_5, NODE_6_7, ROOTS[4]!]],
  [2, 5, [NODE_2_3, NODE_4]],
]

describe('The published vectors of RFC 6962', () => {
  const leaves = DATA.map(leafOf)

  test.each(ROOTS.map((root, size) => [size, root] as const))('have their root at size %i', (size, root) => {
    expect(treeRoot(packed(leaves), size)).toBe(root)
  })

  test.each(INCLUSIONS)('have their inclusion proof of leaf %i at size %i', (index, size, proof) => {
    expect(inclusionProof(packed(leaves), index, size)).toEqual(proof)
    expect(provesInclusion({ leaf: leaves[index]!, index, size, root: ROOTS[size]!, proof })).toBe(true)
  })

  test.each(CONSISTENCIES)('have their consistency proof from size %i to %i', (oldSize, newSize, proof) => {
    const [oldRoot, newRoot] = [ROOTS[oldSize]!, ROOTS[newSize]!]
    expect(consistencyProof(packed(leaves), oldSize, newSize)).toEqual(proof)
    expect(provesConsistency({ oldSize, oldRoot, newSize, newRoot, proof })).toBe(true)
  })
})

/** Fails unless the proofs are those of the RFC, prove what they say, and nothing else that is near. */
function checkInclusion(leaves: readonly string[], index: number): void {
  const [size, root] = [leaves.length, MTH(leaves)]
  const proof = inclusionProof(packed(leaves), index)
  expect(proof).toEqual(PATH(index, leaves))
  const inclusion = { leaf: leaves[index]!, index, size, root, proof }
  expect(provesInclusion(inclusion)).toBe(true)
  for (const other of [index - 1, index + 1, size])
    expect(provesInclusion({ ...inclusion, index: other })).toBe(false)
  expect(provesInclusion({ ...inclusion, size: index })).toBe(false)
  expect(provesInclusion({ ...inclusion, leaf: root.replace(/^./, 'x') })).toBe(false)
  expect(provesInclusion({ ...inclusion, proof: [...proof, root] })).toBe(false)
  if (proof.length > 0) expect(provesInclusion({ ...inclusion, proof: proof.slice(1) })).toBe(false)
}

function checkConsistency(leaves: readonly string[], oldSize: number): void {
  const old = leaves.slice(0, oldSize)
  const proof = consistencyProof(packed(leaves), oldSize)
  expect(proof).toEqual(oldSize === 0 ? [] : SUBPROOF(oldSize, leaves, true))
  const consistency = { oldSize, oldRoot: MTH(old), newSize: leaves.length, newRoot: MTH(leaves), proof }
  expect(provesConsistency(consistency)).toBe(true)
  expect(provesConsistency({ ...consistency, proof: [...proof, MTH(old)] })).toBe(false)
  if (proof.length > 0) expect(provesConsistency({ ...consistency, proof: proof.slice(1) })).toBe(false)
  if (proof.length > 0) expect(provesConsistency({ ...consistency, proof: [] })).toBe(false)
}

/** The hash with one of its bits flipped. */
function flipped(hash: string, bit: number): string {
  const bytes = Buffer.from(hash, 'hex')
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  return bytes.toString('hex')
}

describe('The tree', () => {
  test('has the root and the proofs of the RFC for each leaf and each size up to 70', () => {
    const leaves = numbered(70)
    for (let size = 0; size <= leaves.length; size++) {
      const some = leaves.slice(0, size)
      expect(treeRoot(packed(leaves), size)).toBe(MTH(some))
      for (let index = 0; index < size; index++) checkInclusion(some, index)
      for (let oldSize = 0; oldSize <= size; oldSize++) checkConsistency(some, oldSize)
    }
  })

  test('has them at random sizes up to 3,000', () => {
    const leaves = numbered(3_000)
    const place = fc
      .integer({ min: 1, max: 3_000 })
      .chain(size => fc.tuple(fc.constant(size), fc.nat(size - 1)))
    fc.assert(
      fc.property(place, ([size, place]) => {
        checkInclusion(leaves.slice(0, size), place)
        checkConsistency(leaves.slice(0, size), place)
      }),
      { numRuns: 40 },
    )
  })

  test('refuses a proof with any bit changed, of the proof, the leaf or a root', () => {
    const leaves = numbered(300)
    const place = fc
      .integer({ min: 2, max: 300 })
      .chain(size => fc.tuple(fc.constant(size), fc.nat(size - 2), fc.nat()))
    fc.assert(
      fc.property(place, ([size, place, bit]) => {
        const some = packed(leaves.slice(0, size))
        const inclusion = { leaf: leaves[place]!, index: place, size, root: treeRoot(some) }
        const oldSize = place + 1
        const consistency = {
          oldSize,
          oldRoot: treeRoot(some, oldSize),
          newSize: size,
          newRoot: treeRoot(some),
        }
        const path = inclusionProof(some, place)
        const proof = consistencyProof(some, oldSize)
        const change = (hashes: string[]) =>
          hashes.with((bit >> 8) % hashes.length, flipped(hashes[(bit >> 8) % hashes.length]!, bit & 255))
        expect(provesInclusion({ ...inclusion, proof: path })).toBe(true)
        expect(provesInclusion({ ...inclusion, proof: change(path) })).toBe(false)
        expect(provesInclusion({ ...inclusion, leaf: flipped(inclusion.leaf, bit & 255), proof: path })).toBe(
          false,
        )
        expect(provesInclusion({ ...inclusion, root: flipped(inclusion.root, bit & 255), proof: path })).toBe(
          false,
        )
        expect(provesConsistency({ ...consistency, proof })).toBe(true)
        expect(provesConsistency({ ...consistency, proof: change(proof) })).toBe(false)
        const oldRoot = flipped(consistency.oldRoot, bit & 255)
        expect(provesConsistency({ ...consistency, oldRoot, proof })).toBe(false)
        const newRoot = flipped(consistency.newRoot, bit & 255)
        expect(provesConsistency({ ...consistency, newRoot, proof })).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('reads leaves that lie anywhere in their buffer', () => {
    const leaves = numbered(5)
    const shifted = Buffer.concat([Buffer.alloc(7), packed(leaves)]).subarray(7)
    expect(treeRoot(shifted)).toBe(MTH(leaves))
  })

  test('proves trees of more leaves than 32 bits count', () => {
    // All but the first leaf are one subtree that nobody has to have.
    const [leaf, rest] = numbered(2) as [string, string]
    const proof = [rest, ...Array.from({ length: 40 }, () => rest)]
    const root = proof.reduce((hash, sibling) => sha256(`01${hash}${sibling}`), leaf)
    expect(provesInclusion({ leaf, index: 0, size: 2 ** 41, root, proof })).toBe(true)
    expect(provesInclusion({ leaf, index: 0, size: 2 ** 40, root, proof })).toBe(false)
  })

  test('refuses a way to the root that is longer than in a tree of that size, whatever its root', () => {
    const [leaf, a, b] = numbered(3) as [string, string, string]
    const [two, four] = [sha256(`01${leaf}${a}`), sha256(`01${sha256(`01${leaf}${a}`)}${b}`)]
    const proves = (size: number, root: string, proof: string[]) =>
      provesInclusion({ leaf, index: 0, size, root, proof })
    expect([proves(2, two, [a]), proves(3, four, [a, b])]).toEqual([true, true])
    expect([proves(1, two, [a]), proves(2, four, [a, b]), proves(3, two, [a])]).toEqual([false, false, false])
    const consistent = (oldSize: number, newSize: number, newRoot: string, proof: string[]) =>
      provesConsistency({ oldSize, oldRoot: leaf, newSize, newRoot, proof })
    expect([consistent(1, 2, two, [a]), consistent(1, 3, four, [a, b])]).toEqual([true, true])
    expect([consistent(1, 2, four, [a, b]), consistent(1, 3, two, [a])]).toEqual([false, false])
  })

  test('refuses places that are not in it', async () => {
    const leaves = packed(numbered(3))
    const calls = [
      () => treeRoot(leaves, 4),
      () => treeRoot(leaves.subarray(1)),
      () => inclusionProof(leaves, 3),
      () => inclusionProof(leaves, -1),
      () => inclusionProof(leaves, 0.5),
      () => inclusionProof(leaves, 2, 2),
      () => consistencyProof(leaves, 4),
      () => consistencyProof(leaves, 2, 1),
    ]
    for (const call of calls) expect(await codeOf(call)).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })
})
