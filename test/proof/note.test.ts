import { createHash, createPublicKey, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generateKey, parseSkey, parseVkey } from '../../src/proof/key.ts'
import { parseNote, signNote, verifyNote } from '../../src/proof/note.ts'
import { codeOf } from '../support/outcome.ts'

/** The example of C2SP signed-note, section Verifier keys. */
const FOO = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const FOO_NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`
/** The keys and the note that Go's golang.org/x/mod/sumdb/note documents. */
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const PETER_SECRET = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const ENOCH = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const PETER_LINE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
const ENOCH_LINE =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n'

const INVALID = 'SESSIONLOG_PROOF_INVALID'
const ARGUMENT = 'SESSIONLOG_INVALID_ARGUMENT'

describe('A note', () => {
  test("of the specification's example is verified", () => {
    expect(verifyNote(FOO_NOTE, FOO)).toMatchObject({ text: 'This is an example message.\n', signers: [FOO] })
  })

  test("of the specification's poem is parsed, blank lines in its text and all", () => {
    const poem = 'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n'
    const line =
      '— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n'
    const { text, signatures } = parseNote(`${poem}\n${line}`)
    expect(text).toBe(poem)
    expect(signatures).toMatchObject([{ name: 'quasimodo.example/salvatore', id: '367ba04b' }])
  })

  test("signed by Go's keys is the one that Go signs, and is verified", () => {
    expect(signNote(TEXT, PETER_SECRET)).toBe(`${TEXT}\n${PETER_LINE}`)
    const both = `${TEXT}\n${PETER_LINE}${ENOCH_LINE}`
    expect(verifyNote(both, PETER).signers).toEqual([PETER])
    expect(verifyNote(both, [ENOCH, PETER]).signers).toEqual([ENOCH, PETER])
    expect(parseSkey(PETER_SECRET).vkey).toBe(PETER)
  })

  test('that we sign is verified, by us and by node:crypto alone', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), lines => {
        const text = `${lines.map(line => line.replace(/\p{Cc}/gu, '')).join('\n')}\n`
        const { skey, vkey } = generateKey('example.com/é')
        const note = signNote(text, skey)
        expect(verifyNote(note, vkey)).toMatchObject({ text, signers: [vkey] })
        const x = Buffer.from(vkey.split('+').slice(2).join('+'), 'base64').toString('base64url', 1)
        const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
        const signature = Buffer.from(note.trimEnd().split(' ').at(-1)!, 'base64').subarray(4)
        expect(verify(null, Buffer.from(text), key, signature)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('may have signatures of unknown keys, and of known names with another id', () => {
    const others = [
      signatureLine('witness.example', Buffer.from('01020304ff', 'hex')),
      signatureLine('example.com/foo', Buffer.from('0102030499', 'hex')),
      signatureLine('somebody.example', Buffer.concat([Buffer.from('530d903a', 'hex'), Buffer.alloc(5_000)])),
    ]
    for (let shift = 0; shift < 3; shift++) {
      const lines = [...others.slice(shift), FOO_NOTE.split('\n')[2]!, ...others.slice(0, shift)]
      expect(verifyNote(`This is an example message.\n\n${lines.join('\n')}\n`, FOO).signers).toEqual([FOO])
    }
  })

  test('that a known key did not sign is refused, whoever else did', async () => {
    const [peter, enoch] = [`${TEXT}\n${PETER_LINE}`, `${TEXT}\n${ENOCH_LINE}`]
    expect(await codeOf(() => verifyNote(peter, ENOCH))).toBe(INVALID)
    expect(await codeOf(() => verifyNote(peter.replace('answer', 'question'), PETER))).toBe(INVALID)
    const wrong = ENOCH_LINE.replace('5n2t', '5n2u')
    expect(await codeOf(() => verifyNote(peter + wrong, [PETER, ENOCH]))).toBe(INVALID)
    expect(verifyNote(peter + wrong, PETER).signers).toEqual([PETER])
    expect(await codeOf(() => verifyNote(peter + PETER_LINE.replace('SffcvI', 'SffcvJ'), PETER))).toBe(
      INVALID,
    )
    expect(await codeOf(() => verifyNote(enoch, []))).toBe(INVALID)
  })

  test('holds 16 signatures, and not any number of them', async () => {
    const line = (n: number) => `${signatureLine(`w${n}`, Buffer.alloc(4_700))}\n`
    const many = (count: number) => FOO_NOTE + Array.from({ length: count }, (_, n) => line(n)).join('')
    expect(verifyNote(many(15), FOO).signatures).toHaveLength(16)
    expect(verifyNote(many(99), FOO).signatures).toHaveLength(100)
    expect(await codeOf(() => verifyNote(many(100), FOO))).toBe(INVALID)
  })

  test.each<[string, (note: string) => string]>([
    ['no newline at its end', note => note.slice(0, -1)],
    ['a blank line at its end', note => `${note}\n`],
    ['no blank line', note => note.replace('\n\n', '\n')],
    ['no signature', note => note.slice(0, note.indexOf('—'))],
    ['no text', note => note.slice(note.indexOf('—'))],
    ['a carriage return', note => note.replaceAll('\n', '\r\n')],
    ['a tab in its text', note => note.replace(' is', '\tis')],
    ['a NUL', note => note.replace('is', '\0')],
    ['half of a surrogate pair', note => note.replace('is', '\ud800')],
    ['a hyphen for the dash', note => note.replace('—', '-')],
    ['two spaces before a name', note => note.replace('— ', '—  ')],
    ['two spaces before a signature', note => note.replace('foo ', 'foo  ')],
    ['a space behind a signature', note => note.replace(/=\n$/, '= \n')],
    ['a plus in a name', note => note.replace('example.com/foo', 'example.com+foo')],
    ['a space of Unicode in a name', note => note.replace('example.com/foo', 'example.com\u2003foo')],
    ['a next-line character in a name', note => note.replace('example.com/foo', 'example.com\u0085foo')],
    ['no name', note => note.replace('example.com/foo ', '')],
    ['base64 without padding', note => note.replace(/=\n$/, '\n')],
    ['base64 for URLs', note => note.replace('IneyaQM', 'Iney_QM')],
    ['bits behind the end of base64', note => note.replace(/QM=\n$/, 'QN=\n')],
    ['a signature of an id alone', note => note.replace(/Uw2Q.*=/, 'Uw2QOg==')],
    ['a line that is no signature', note => `${note}something\n`],
  ])('with %s is refused', async (_, spoil) => {
    expect(spoil(FOO_NOTE)).not.toBe(FOO_NOTE)
    expect(await codeOf(() => verifyNote(spoil(FOO_NOTE), FOO))).toBe(INVALID)
  })

  test.each(['', 'no newline', 'a\ttab\n', 'a\rreturn\n', '\udc00\n'])('is not made of %j', async text => {
    expect(await codeOf(() => signNote(text, PETER_SECRET))).toBe(ARGUMENT)
  })

  test('is not made without a key', async () => {
    expect(await codeOf(() => signNote('text\n', []))).toBe(ARGUMENT)
  })
})

function signatureLine(name: string, bytes: Uint8Array): string {
  return `— ${name} ${Buffer.from(bytes).toString('base64')}`
}

describe('A key', () => {
  test('that is made anew has the text forms of the specification', () => {
    const { skey, vkey } = generateKey('sessionlog/0b5e7a3c-0000-4000-8000-000000000000')
    const [, name, id, data] = /^([^+]+)\+([0-9a-f]{8})\+(.{44})$/.exec(vkey)!
    const bytes = Buffer.from(data!, 'base64')
    expect(bytes).toHaveLength(33)
    expect(bytes[0]).toBe(1)
    const digest = createHash('sha256').update(`${name}\n`).update(bytes).digest('hex')
    expect(id).toBe(digest.slice(0, 8))
    expect(skey).toMatch(
      /^PRIVATE\+KEY\+sessionlog\/0b5e7a3c-0000-4000-8000-000000000000\+[0-9a-f]{8}\+A[^ ]{43}$/,
    )
    expect(parseSkey(skey)).toMatchObject({ name, id, vkey })
    expect(parseVkey(vkey)).toMatchObject({ name, id })
    expect(generateKey(name!).skey).not.toBe(skey)
  })

  test.each([
    '',
    'a b',
    'a+b',
    'a\u00a0b',
    'a\u2003',
    'a\n',
    'a\0',
    '\ud800',
  ])('is not named %j', async name => {
    expect(await codeOf(() => generateKey(name))).toBe(ARGUMENT)
  })

  test.each([
    ['nothing', ''],
    ['a name alone', 'example.com/foo'],
    ['another id', FOO.replace('530d903a', '530d903b')],
    ['an id in capitals', FOO.replace('530d903a', '530D903A')],
    ['another name', FOO.replace('foo', 'bar')],
    ['another type', 'example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['a key that is too short', 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0='],
    ['a space', FOO.replace('/', ' ')],
    ['a newline behind it', `${FOO}\n`],
    ['a secret', PETER_SECRET],
  ])('for verifying is not %s', async (_, vkey) => {
    expect(await codeOf(() => parseVkey(vkey))).toBe(ARGUMENT)
  })

  test.each([
    ['nothing', ''],
    ['a key for verifying', PETER],
    ['another id', PETER_SECRET.replace('c74f20a3', 'c74f20a4')],
    ['another name', PETER_SECRET.replace('Peter', 'Paul')],
    ['a newline behind it', `${PETER_SECRET}\n`],
  ])('for signing is not %s', async (_, skey) => {
    expect(await codeOf(() => parseSkey(skey))).toBe(ARGUMENT)
  })

  test('that is refused is not in the message', () => {
    const secret = PETER_SECRET.replace('c74f20a3', '00000000')
    expect(() => parseSkey(secret)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('AYEK') }),
    )
  })
})
