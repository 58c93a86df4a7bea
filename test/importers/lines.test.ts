import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from '../../src/importers/lines.ts'
import { all } from '../cli/cli.ts'

/** A text in pieces that end wherever. */
async function* pieces(text: string, lengths: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const next = at + (lengths[index % lengths.length] ?? bytes.length)
    yield bytes.subarray(at, next)
    at = next
  }
}

test('lines come as they stood, and one that is too long is passed over, wherever the pieces end', async () => {
  const line = fc.oneof(fc.string(), fc.string({ minLength: 10, maxLength: 60 }), fc.constant('日本😀'))
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.integer({ min: 1, max: 30 })), async (given, lengths) => {
      const lines = given.map(each => each.replaceAll('\n', ''))
      const text = lines.map(each => `${each}\n`).join('')
      const read = await all(linesOf(pieces(text, lengths), 20))
      const expected = lines.map(each => (Buffer.byteLength(each) > 20 ? undefined : each))
      expect(read.map(each => each?.toString())).toEqual(expected)
    }),
  )
})

test('the last line needs no end', async () => {
  expect((await all(linesOf(pieces('a\nbc', [1])))).map(String)).toEqual(['a', 'bc'])
  expect(await all(linesOf(pieces('a\nbcd', [1]), 2))).toEqual([Buffer.from('a'), undefined])
})
