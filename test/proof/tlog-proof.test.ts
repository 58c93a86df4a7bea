import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { signCheckpoint } from '../../src/proof/checkpoint.ts'
import { generateKey } from '../../src/proof/key.ts'
import { prove } from '../../src/proof/prove.ts'
import { formatTlogProof, parseTlogProof } from '../../src/proof/tlog-proof.ts'
import { treeRoot } from '../../src/proof/tree.ts'
import { codeOf } from '../support/outcome.ts'

const INVALID = 'SESSIONLOG_PROOF_INVALID'
const ARGUMENT = 'SESSIONLOG_INVALID_ARGUMENT'

const { skey } = generateKey('example.com/fancylog')
const root = '0123456789abcdef'.repeat(4)
const checkpoint = signCheckpoint({ origin: 'example.com/fancylog', size: 109_482, root }, skey)

/** As in the example of C2SP tlog-proof, whose signatures are cut short there. */
const TEXT = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

${checkpoint}`

describe('A proof file', () => {
  test("of the specification's form is parsed", () => {
    const { extra, index, hashes, checkpoint: note } = parseTlogProof(TEXT)
    expect(Buffer.from(extra!).toString()).toBe('age-v1.2.1-darwin-arm64.tar.gz')
    expect(index).toBe(73_894)
    expect(hashes).toHaveLength(2)
    expect(hashes[0]).toBe(
      Buffer.from('gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=', 'base64').toString('hex'),
    )
    expect(note).toBe(checkpoint)
  })

  test('comes back as it was formatted', () => {
    const hash = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map(bytes => Buffer.from(bytes).toString('hex'))
    const extra = fc.option(fc.uint8Array({ minLength: 1, maxLength: 100 }), { nil: undefined })
    fc.assert(
      fc.property(
        extra,
        fc.maxSafeNat().map(n => n % 1e15),
        fc.array(hash),
        (extra, index, hashes) => {
          const parsed = parseTlogProof(formatTlogProof({ extra, index, hashes, checkpoint }))
          expect(parsed).toMatchObject({ index, hashes, checkpoint })
          expect(parsed.extra && [...parsed.extra]).toEqual(extra && [...extra])
        },
      ),
    )
  })

  test.each<[string, (text: string) => string]>([
    ['another first line', text => text.replace('@v1', '@v2')],
    ['a byte order mark', text => `\ufeff${text}`],
    ['carriage returns', text => text.replaceAll('\n', '\r\n')],
    ['an empty extra line', text => text.replace(/extra .*/, 'extra ')],
    ['extra data that is not base64', text => text.replace('YWdl', 'YW!l')],
    ['two extra lines', text => text.replace(/(extra .*\n)/, '$1$1')],
    ['the extra line behind the index', text => text.replace(/(extra .*\n)(index .*\n)/, '$2$1')],
    ['no index', text => text.replace(/index .*\n/, '')],
    ['an index with a leading zero', text => text.replace('73894', '073894')],
    ['a negative index', text => text.replace('73894', '-1')],
    ['an index that no number holds', text => text.replace('73894', '9007199254740993')],
    ['a short hash', text => text.replace('gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=', 'gSKy')],
    ['a space behind a hash', text => text.replace('PlQ=', 'PlQ= ')],
    ['no blank line', text => text.replace('\n\n', '\n')],
    ['no checkpoint', text => text.slice(0, text.indexOf('\n\n') + 2)],
    ['a checkpoint without signature', text => text.slice(0, text.indexOf('—'))],
  ])('with %s is refused', async (_, spoil) => {
    expect(spoil(TEXT)).not.toBe(TEXT)
    expect(await codeOf(() => parseTlogProof(spoil(TEXT)))).toBe(INVALID)
  })

  test.each([{ index: -1 }, { index: 1.5 }, { hashes: ['abc'] }])('is not made of %j', async wrong => {
    expect(await codeOf(() => formatTlogProof({ index: 0, hashes: [], checkpoint, ...wrong }))).toBe(ARGUMENT)
  })
})

describe('prove()', () => {
  const leaves = Buffer.alloc(96, 7)
  const signed = (size: number, root = treeRoot(leaves, size)) =>
    signCheckpoint({ origin: 'example.com/fancylog', size, root }, skey)
  const run = [Buffer.from('an event')]

  test('refuses an event that is not in the tree of the checkpoint', async () => {
    expect(await codeOf(() => prove({ run, leaves, index: 0, checkpoint: signed(3) }))).toBe(INVALID)
    expect(await codeOf(() => prove({ run, leaves, index: 0, checkpoint: signed(3, root) }))).toBe(INVALID)
    expect(await codeOf(() => prove({ run, leaves, index: 0, checkpoint: 'no note' }))).toBe(INVALID)
  })

  test('refuses a place that is not there, and a run of nothing', async () => {
    expect(await codeOf(() => prove({ run, leaves, index: 2, checkpoint: signed(2) }))).toBe(ARGUMENT)
    expect(await codeOf(() => prove({ run, leaves, index: 3, checkpoint: signed(4, root) }))).toBe(ARGUMENT)
    expect(await codeOf(() => prove({ run: [], leaves, index: 0, checkpoint: signed(3) }))).toBe(ARGUMENT)
  })
})
