import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { MerkleTree } from '../../src/log/chain.ts'
import { collect } from '../support/outcome.ts'
import { create } from '../support/store.ts'

/** RFC 6962, section 2.1, as it is written there. */
function rootOf(leaves: readonly string[]): string {
  if (leaves.length === 0) return createHash('sha256').digest('hex')
  if (leaves.length === 1) return leaves[0]!
  let k = 1
  while (2 * k < leaves.length) k *= 2
  const children = [rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k))]
  return createHash('sha256')
    .update(Buffer.from(`01${children.join('')}`, 'hex'))
    .digest('hex')
}

const leaf = (n: number) => createHash('sha256').update(`leaf ${n}`).digest('hex')

describe('MerkleTree', () => {
  test('has the roots of RFC 6962 at every size', () => {
    const tree = new MerkleTree()
    const leaves: string[] = []
    expect(tree.root()).toBe(rootOf([]))
    for (let n = 0; n < 130; n++) {
      leaves.push(leaf(n))
      tree.append(leaf(n))
      expect(tree.root()).toBe(rootOf(leaves))
      expect(tree.size).toBe(n + 1)
    }
  })

  test('goes on from its peaks at every size', () => {
    const tree = new MerkleTree()
    for (let n = 0; n < 70; n++) {
      const resumed = new MerkleTree(tree.size, tree.peaks)
      tree.append(leaf(n))
      resumed.append(leaf(n))
      expect(resumed.root()).toBe(tree.root())
      expect(MerkleTree.fits(tree.size, tree.peaks)).toBe(true)
      expect(MerkleTree.fits(tree.size + 1, tree.peaks)).toBe(MerkleTree.fits(tree.size + 1, resumed.peaks))
    }
    expect(MerkleTree.fits(3, ['x'])).toBe(false)
  })
})

test("A store's root is that of its events' hashes in position order, and compaction does not change it", async () => {
  const store = await create<number>()
  for (let n = 0; n < 40; n++) {
    const saved = store.save(`s${n % 6}`, n)
    if (n % 7 === 0) await saved
  }
  const root = rootOf((await collect(store.events())).map(event => event.hash))
  expect(await store.verify()).toMatchObject({ ok: true, root, position: 40 })
  expect(await store.compact()).toMatchObject({ root, position: 40 })
  expect(await store.verify()).toMatchObject({ ok: true, root })
  expect(rootOf((await collect(store.events())).map(event => event.hash))).toBe(root)
})
