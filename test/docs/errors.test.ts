/** Holds docs/errors.md to the codes of src/errors.ts, and both to the tests: each code is expected by one. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

/** The union's members, from its source: types are gone when a test runs. */
const union = read('src/errors.ts').split('export interface')[0]!
const codes = Array.from(union.matchAll(/^ {2}\| '(SESSIONLOG_\w+)'/gm), match => match[1]!)

const sections = read('docs/errors.md').replaceAll('\r\n', '\n').split(/^## /m).slice(1)

/** What every test says but this one. */
function tests(): string {
  const folder = fileURLToPath(new URL('..', import.meta.url))
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const own = files.filter(file => /\.(ts|mjs)$/.test(file) && !file.endsWith('errors.test.ts'))
  return own.map(file => readFileSync(join(folder, file), 'utf8')).join('\n')
}

test('docs/errors.md has a heading for each code, in their order, and no other', () => {
  expect(codes.length).toBeGreaterThan(10)
  expect(sections.map(section => section.split('\n')[0])).toEqual(codes)
})

test('docs/errors.md says of each code when it comes, what to do, and what is changed', () => {
  for (const section of sections) {
    const labels = Array.from(section.matchAll(/^\* \*\*(\w+)\*\*: /gm), match => match[1])
    expect(labels, section.split('\n')[0]!).toEqual(['When', 'Do', 'Changed'])
  }
})

test('each code is expected by a test', () => {
  const all = tests()
  expect(codes.filter(code => !all.includes(code))).toEqual([])
})
