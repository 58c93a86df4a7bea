import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { applyJsonPatch } from '../../src/state/json-patch.ts'
import { failureOf } from '../support/outcome.ts'
import { expectExact } from './exact.ts'

interface Conformance {
  comment?: string
  doc: unknown
  patch: unknown
  expected?: unknown
  error?: string
  disabled?: boolean
}

const directory = join(process.cwd(), '..', 'shared', 'conformance', 'json-patch')
const absent = !existsSync(directory)
const title = `applyJsonPatch() conforms to the json-patch-tests${absent ? ` (skipped: ${directory} is absent)` : ''}`

describe.skipIf(absent)(title, () => {
  const read = (name: string): Conformance[] => JSON.parse(readFileSync(join(directory, name), 'utf8'))
  const records = absent ? [] : ['tests.json', 'spec_tests.json'].flatMap(read)
  const enabled = records.filter(record => record.patch !== undefined && record.disabled !== true)
  test.each(
    enabled.map((record, index): [string, Conformance] => [
      `${index} ${record.comment ?? JSON.stringify(record.patch)}`,
      record,
    ]),
  )('%s', async (_, { doc, patch, expected, error }) => {
    const before = structuredClone({ doc, patch })
    if (error === undefined) expect(applyJsonPatch(patch, doc)).toEqual(expected ?? doc)
    else
      expect(await failureOf(() => applyJsonPatch(patch, doc))).toMatchObject({
        code: 'SESSIONLOG_INVALID_ARGUMENT',
      })
    expectExact({ doc, patch }, before)
  })
})

describe('applyJsonPatch()', () => {
  test('shares what it does not touch and changes nothing that it was given', () => {
    const document = { a: { x: 1 }, b: { y: [1] } }
    const value = { z: 1 }
    const patched = applyJsonPatch(
      [
        { op: 'add', path: '/b/y/-', value },
        { op: 'copy', from: '/b/y/1', path: '/c' },
        { op: 'replace', path: '/c/z', value: 2 },
      ],
      document,
    ) as typeof document
    expect(patched).toEqual({ a: { x: 1 }, b: { y: [1, { z: 1 }] }, c: { z: 2 } })
    expect(patched.a).toBe(document.a)
    expect(document).toEqual({ a: { x: 1 }, b: { y: [1] } })
    expect(value).toEqual({ z: 1 })
  })

  test('treats __proto__ and constructor as keys like any other', async () => {
    const patched = applyJsonPatch(
      [
        { op: 'add', path: '/__proto__', value: { polluted: 1 } },
        { op: 'add', path: '/__proto__/x', value: 2 },
        { op: 'copy', from: '/__proto__', path: '/constructor' },
      ],
      {},
    )
    expectExact(patched, JSON.parse('{"__proto__":{"polluted":1,"x":2},"constructor":{"polluted":1,"x":2}}'))
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    for (const path of ['/__proto__/polluted', '/constructor/prototype/polluted', '/a/__proto__/polluted']) {
      const failure = await failureOf(() => applyJsonPatch([{ op: 'add', path, value: 1 }], { a: [] }))
      expect(failure).toMatchObject({ code: 'SESSIONLOG_INVALID_ARGUMENT', path })
    }
  })

  test('compares in a test as JSON does', () => {
    const document = { a: { x: 1, y: [0] } }
    expect(applyJsonPatch([{ op: 'test', path: '/a', value: { y: [-0], x: 1 } }], document)).toBe(document)
  })

  test('removes and puts back a whole document', () => {
    expect(applyJsonPatch([{ op: 'remove', path: '' }], { a: 1 })).toBeUndefined()
    expect(
      applyJsonPatch(
        [
          { op: 'remove', path: '' },
          { op: 'add', path: '', value: 1 },
        ],
        { a: 1 },
      ),
    ).toBe(1)
  })

  test.each<[string, unknown]>([
    ['something that is not a list', { op: 'add' }],
    ['an operation that is not an object', [1]],
    ['an unknown operation', [{ op: 'spam', path: '/a' }]],
    ['an operation without a path', [{ op: 'remove' }]],
    ['an inherited path', [Object.create({ op: 'remove', path: '/a' })]],
    ['an operation without a value', [{ op: 'add', path: '/b' }]],
    ['a pointer without a slash', [{ op: 'remove', path: 'a' }]],
    ['a pointer with an unknown escape', [{ op: 'remove', path: '/~2' }]],
    ['an index with a leading zero', [{ op: 'replace', path: '/a/00', value: 1 }]],
    ['an index beyond the end', [{ op: 'add', path: '/a/3', value: 1 }]],
    ['an index after the last to remove', [{ op: 'remove', path: '/a/-' }]],
    ['the length of an array', [{ op: 'replace', path: '/a/length', value: 1 }]],
    ['a move into itself', [{ op: 'move', from: '/a', path: '/a/0' }]],
    ['a move of the whole into itself', [{ op: 'move', from: '', path: '/b' }]],
    ['a copy of nothing', [{ op: 'copy', from: '/none', path: '/b' }]],
    ['a failed test', [{ op: 'test', path: '/a', value: [1] }]],
  ])('refuses %s', async (_, patch) => {
    const failure = await failureOf(() => applyJsonPatch(patch, { a: [1, 2] }))
    expect(failure).toBeInstanceOf(TypeError)
    expect(failure).toMatchObject({ code: 'SESSIONLOG_INVALID_ARGUMENT' })
  })
})
