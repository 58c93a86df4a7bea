/** Holds docs/proofs-format.md to the code: its example is made again, and then verified from the page itself. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DOCUMENT, exampleText, withExample } from '../../scripts/proof-example.ts'
import { verifyCheckpoint } from '../../src/proof/checkpoint.ts'
import { provesConsistency } from '../../src/proof/tree.ts'
import { verifyProof } from '../../src/proof/verify.ts'

const text = readFileSync(DOCUMENT, 'utf8').replaceAll('\r\n', '\n')
const blocks = [...text.slice(text.indexOf('## A worked')).matchAll(/```(?:json)?\n([^`]+)\n```/g)].map(
  match => match[1]!,
)

test('the example is what the code makes (if it is to change: npx tsx scripts/proof-example.ts --write)', async () => {
  expect(text).toBe(withExample(text, await exampleText()))
})

test('the example is verified as the page shows it', () => {
  const [vkey = '', first, second, consistency, proof, , answer = ''] = blocks
  expect(verifyProof(`${proof}\n`, vkey)).toEqual(JSON.parse(answer))
  const [old, grown] = [first, second].map(note => verifyCheckpoint(`${note}\n`, vkey))
  const sizes = { oldSize: old!.size, oldRoot: old!.root, newSize: grown!.size, newRoot: grown!.root }
  expect(provesConsistency({ ...sizes, proof: [consistency!] })).toBe(true)
})

test('links to headings that are there', () => {
  const headings = (file: string) =>
    [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(match =>
      match[1]!.toLowerCase().replaceAll(' ', '-'),
    )
  for (const [, file, heading] of text.matchAll(/\]\((format\.md)?#([\w-]+)\)/g)) {
    const target = file === undefined ? DOCUMENT : DOCUMENT.replace('proofs-format.md', file)
    if (!heading!.startsWith('section')) expect(headings(target)).toContain(heading)
  }
})
