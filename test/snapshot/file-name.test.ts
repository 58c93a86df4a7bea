import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fileNameFor } from '../../src/snapshot/file-name.ts'

describe('fileNameFor()', () => {
  test('gives a plain id its own name', () => {
    for (const id of [
      'cart-42',
      '0',
      '_',
      'a.b',
      'a.json',
      '7b1f8b5e-4d0e-4b57-9a3e-6f1f0f1c8d21',
      'x'.repeat(100),
    ]) {
      expect(fileNameFor(id)).toBe(`${id}.json`)
    }
  })

  test('gives any other id a readable prefix and a hash, always the same', () => {
    expect(fileNameFor('Cart 42')).toBe(
      'cart-42~19968729d6608e6db6af5e7503da9a9b1ed42fce8cb730b5a3f004efb498f436.json',
    )
    expect(fileNameFor('/home/Jürgen/Étude.txt')).toMatch(/^home-jurgen-etude-txt~[0-9a-f]{64}\.json$/)
    expect(fileNameFor('会话')).toMatch(/^session~[0-9a-f]{64}\.json$/)
    expect(fileNameFor('..')).toMatch(/^session~[0-9a-f]{64}\.json$/)
  })

  test('never meets a plain id with a name made for another', () => {
    const made = fileNameFor('Cart 42')
    const prefix = made.replace(/~.*/, '')
    expect(fileNameFor(made.replace('.json', ''))).not.toBe(made)
    expect(fileNameFor(prefix)).not.toBe(made)
  })

  const reserved = ['con', 'prn', 'aux', 'nul', 'conin$', 'conout$', 'clock$']
  const numbered = ['com', 'lpt'].flatMap(name => [...'0123456789¹²³'].map(digit => name + digit))
  test('never gives a name that Windows reserves', () => {
    for (const name of [...reserved, ...numbered]) {
      for (const end of ['', '.txt', '.tar.gz', '.', ' ', ' .txt', ':', '$']) {
        expectSafe(fileNameFor(name + end))
        expectSafe(fileNameFor(name.toUpperCase() + end))
      }
    }
  })

  test('gives each id a name of its own, also where case is folded and Unicode normalised', () => {
    const id = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(...'aAbB.-_~ /\\:0'), minLength: 1, maxLength: 4 }),
      fc.string({
        unit: fc.constantFrom('é', 'e\u0301', 'K', 'k', 'K', 'ſ', 's', 'ß', 'ẞ', 'İ', 'i', 'ﬁ', 'Å', 'å'),
        minLength: 1,
        maxLength: 3,
      }),
    )
    fc.assert(
      fc.property(fc.array(id, { minLength: 2, maxLength: 20 }), list => {
        const ids = [...new Set(list.filter(id => isWellFormed(id)))]
        const names = ids.map(fileNameFor)
        for (const name of names) expectSafe(name)
        expect(new Set(names.map(folded)).size).toBe(ids.length)
      }),
      { numRuns: 2_000 },
    )
  })

  test('gives ids that differ in their last byte only, at any length, different names', () => {
    for (let length = 1; length <= 1_024; length++) {
      const [a, b] = ['a', 'b'].map(last => fileNameFor('x'.repeat(length - 1) + last))
      expectSafe(a!)
      expect(a).not.toBe(b)
    }
  })

  const blns = new URL('../../../shared/conformance/naughty-strings/blns.json', import.meta.url)
  if (!existsSync(blns)) console.log('SKIP naughty strings: the list is not here')
  test.runIf(existsSync(blns))('gives each of the naughty strings a safe name of its own', () => {
    const list = new Set(JSON.parse(readFileSync(blns, 'utf8')) as string[])
    const ids = [...list].filter(id => id !== '' && Buffer.byteLength(id) <= 1_024 && isWellFormed(id))
    expect(ids.length).toBeGreaterThan(400)
    const names = ids.map(fileNameFor)
    for (const name of names) expectSafe(name)
    expect(new Set(names.map(folded)).size).toBe(ids.length)
  })
})

function expectSafe(name: string): void {
  expect(name).toMatch(/^[a-z0-9_][a-z0-9._~-]*\.json$/)
  expect(name).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$|clock\$)\./)
  expect(name.length).toBeLessThanOrEqual(110)
  expect(folded(name)).toBe(name)
}

function isWellFormed(id: string): boolean {
  return Buffer.from(id).toString() === id
}

/** What a file system may make of a name before it compares. */
function folded(name: string): string {
  return name.normalize('NFD').toLowerCase().normalize('NFC')
}
