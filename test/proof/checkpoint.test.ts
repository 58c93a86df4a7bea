import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatCheckpoint,
  originLine,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
} from '../../src/proof/checkpoint.ts'
import { generateKey } from '../../src/proof/key.ts'
import { parseNote } from '../../src/proof/note.ts'
import { codeOf } from '../support/outcome.ts'

const INVALID = 'SESSIONLOG_PROOF_INVALID'
const ARGUMENT = 'SESSIONLOG_INVALID_ARGUMENT'

const root = '0123456789abcdef'.repeat(4)

/** The example of C2SP tlog-checkpoint. */
const EXAMPLE = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`

describe('A checkpoint', () => {
  test("is what the specification's example says", () => {
    const { text } = parseNote(EXAMPLE)
    const checkpoint = parseCheckpoint(text)
    expect(checkpoint).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
      extensions: [],
    })
    expect(checkpoint.root).toBe('0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62')
    expect(formatCheckpoint(checkpoint)).toBe(text)
  })

  test('comes back from its note as it was signed', () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter(text => !/\p{Cc}/u.test(text))
    const hash = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map(bytes => Buffer.from(bytes).toString('hex'))
    const { skey, vkey } = generateKey('example.com/log')
    fc.assert(
      fc.property(
        line,
        fc.maxSafeNat().map(n => n % 1e15),
        hash,
        fc.array(line),
        (origin, size, root, extensions) => {
          const checkpoint = { origin, size, root, extensions }
          expect(verifyCheckpoint(signCheckpoint(checkpoint, skey), vkey)).toEqual(checkpoint)
        },
      ),
      { numRuns: 100 },
    )
  })

  test("of a store has the store's origin in its first line", () => {
    const origin = originLine('5e551041-0000-4000-8000-000000000001')
    expect(formatCheckpoint({ origin, size: 0, root })).toBe(
      `sessionlog/5e551041-0000-4000-8000-000000000001\n0\n${Buffer.from(root, 'hex').toString('base64')}\n`,
    )
  })

  const text = parseNote(EXAMPLE).text
  test.each<[string, string]>([
    ['no lines', '\n'],
    ['two lines', text.split('\n').slice(0, 2).join('\n')],
    ['no newline at its end', text.slice(0, -1)],
    ['an empty origin', `\n${text}`],
    ['a blank line at its end', `${text}\n`],
    ['a leading zero', text.replace('2085', '02085')],
    ['a sign', text.replace('2085', '+2085')],
    ['digits of another script', text.replace('2085', '２085')],
    ['an exponent', text.replace('20852163', '2e7')],
    ['a size that no number holds', text.replace('20852163', '9007199254740993')],
    ['no size', text.replace('20852163', '')],
    ['a root of 31 bytes', text.replace(/\n[^\n]*=\n/, `\n${Buffer.alloc(31).toString('base64')}\n`)],
    ['a root of 33 bytes', text.replace(/\n[^\n]*=\n/, `\n${Buffer.alloc(33).toString('base64')}\n`)],
    ['a root with bits left over', text.replace('q2I=', 'q2J=')],
    ['a root in hexadecimal', text.replace(/\n[^\n]*=\n/, `\n${root}\n`)],
    ['a carriage return', text.replaceAll('\n', '\r\n')],
  ])('with %s is refused', async (_, spoiled) => {
    expect(spoiled).not.toBe(text)
    expect(await codeOf(() => parseCheckpoint(spoiled))).toBe(INVALID)
  })

  test.each([
    { size: -1 },
    { size: 0.5 },
    { size: 2 ** 53 },
    { root: 'abc' },
    { root: root.toUpperCase() },
    { origin: '' },
    { origin: 'two\nlines' },
    { origin: '\ud800' },
    { extensions: [''] },
    { extensions: ['two\nlines'] },
  ])('is not made of %j', async wrong => {
    expect(await codeOf(() => formatCheckpoint({ origin: 'a', size: 1, root, ...wrong }))).toBe(ARGUMENT)
  })
})
