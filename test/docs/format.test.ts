/** Holds docs/format.md to the code, and to itself: its example is made again, and then read without the code. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { DOCUMENT, exampleText, splitDocument } from '../../scripts/format-example.ts'
import { RANGE } from '../../src/log/keys.ts'
import { encodeValue } from '../../src/state/cbor-values.ts'

const text = readFileSync(DOCUMENT, 'utf8').replaceAll('\r\n', '\n')
const { before, example, after } = splitDocument(text)

/** The entries of the example as the document shows them, by their titles. */
const entries = new Map<string, { key: Buffer; value: Buffer }[]>()

/** The words begin behind this column. */
const HEX_COLUMNS = 58

beforeAll(() => {
  for (const [, title = '', body = ''] of example.matchAll(/\*\*(.+?)\*\*: .*\n\n```\n([^`]+)\n```/g)) {
    const [key, value] = body.split('\n\n').map(bytesOf) as [Buffer, Buffer]
    entries.set(title, [...(entries.get(title) ?? []), { key, value }])
  }
})

function bytesOf(lines: string): Buffer {
  const hex = lines.split('\n').map(line => line.slice(0, HEX_COLUMNS))
  return Buffer.from(hex.join('').replaceAll(' ', ''), 'hex')
}

function sha256(...parts: readonly Uint8Array[]): string {
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex')
}

/** A record's events, each with the byte that lies before it, by the framing that the document describes. */
function leavesOf(record: Buffer): { leaves: Buffer[]; lastHash: string } {
  const leaves: Buffer[] = []
  let at = 0
  while (record.length - at > 34) {
    const length = record.readUInt32BE(at + 1)
    leaves.push(record.subarray(at + 5, at + 6 + length))
    at += 6 + length
  }
  return { leaves, lastHash: record.toString('hex', at + 2) }
}

test('the example is what the store writes (if it is to change: npx tsx scripts/format-example.ts --write)', async () => {
  expect(example).toBe(await exampleText())
})

test("the example's events have the hashes that it shows", () => {
  const tail = entries.get('A record of the tail')!
  const leaves = tail.flatMap(({ value }) => leavesOf(value).leaves)
  const hashes = leaves.map(leaf => sha256(leaf))
  expect(hashes).toHaveLength(2)
  expect(tail.map(({ value }) => leavesOf(value).lastHash)).toEqual(hashes)
  expect(leaves[1]!.toString('hex')).toContain(`5820${hashes[0]}`)

  const sealed = leavesOf(entries.get('A sealed record')![0]!.value)
  expect(sealed.leaves).toEqual(leaves)
  expect(sealed.lastHash).toBe(hashes[1])

  const bytes = hashes.map(hash => Buffer.from(hash, 'hex'))
  const roots = [hashes[0], sha256(Buffer.from([1]), ...bytes)]
  const commits = entries.get('A commit')!
  for (const [index, { value }] of commits.entries())
    expect(value.toString('hex')).toContain(`5820${roots[index]}`)
  expect(entries.get('The frontier')![0]!.value.toString('hex')).toContain(`5820${roots[1]}`)
  expect(example).toContain(`"root": "${roots[1]}"`)
})

test("the example's checked values begin with the hash of the rest", () => {
  for (const title of ['A commit', 'The base', 'The frontier', "The store's record"]) {
    for (const { value } of entries.get(title)!) {
      expect(value.toString('hex', 0, 32), title).toBe(sha256(value.subarray(32)))
    }
  }
})

test('the figures of what the format is bad at are those of the example', () => {
  const second = ['A record of the tail', 'A commit'].map(title => entries.get(title)![1]!)
  const [event, commit] = [...second, entries.get('An event id')![0]!].map(
    ({ key, value }) => key.length + value.length,
  )
  const [id] = entries.get('An event id')!.map(({ key, value }) => key.length + value.length)
  const { leaves } = leavesOf(second[0]!.value)
  const sentence =
    /takes (\d+) bytes of\s+keys and values: (\d+) of them are the event, 34 of those the hash before it; (\d+) are the commit/
  const figures = sentence.exec(after)!.slice(1).map(Number)
  expect(figures).toEqual([event! + commit! + id!, leaves[0]!.length - 1, commit])
  expect(after).toContain(`keeps ${second[1]!.value.length} bytes and more for each`)
})

test('the ranges of keys are those of the code', () => {
  const letters = Object.values(RANGE).sort()
  expect(after).toContain(`any letter but \`${letters.join(' ')}\``)
  const grammar = [...before.matchAll(/^[\w-]+ += "(\w)" /gm)].map(match => match[1]!)
  expect(grammar.sort()).toEqual(letters)
})

test('the tags of values are those of the code', () => {
  const bare = Object.assign(Object.create(null), { a: 1 })
  const tagged = new Map<number, unknown>([
    [1, new Date(0)],
    [3, -(2n ** 64n)],
    [258, new Set([1])],
    [259, new Map([['a', 1]])],
    [41001, -0],
    [41002, '\ud800'],
    [41003, 2n ** 64n],
    [41004, new Date(4_499_186_283_379_981)],
    [41005, JSON.parse('{"__proto__":1}')],
    [41006, bare],
  ])
  const table = before.slice(before.indexOf('### What a state holds'), before.indexOf('### Sealed records'))
  const documented = [...table.matchAll(/tag (\d+)/g)].map(match => Number(match[1]))
  expect(new Set(documented)).toEqual(new Set([24, ...tagged.keys()]))
  const nest = (levels: number) => encodeValue(JSON.parse('['.repeat(levels) + ']'.repeat(levels)))
  expect([200, 201].map(levels => nest(levels).includes(Buffer.of(0xd8, 24)))).toEqual([false, true])
  for (const [tag, value] of tagged) expect(tagOf(encodeValue(value)), String(tag)).toBe(tag)
})

/** The number of the tag that the bytes begin with. */
function tagOf(bytes: Buffer): number {
  const argument = bytes[0]! - 0xc0
  return argument < 24 ? argument : bytes.readUIntBE(1, argument - 23)
}
