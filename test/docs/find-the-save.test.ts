import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { sessionlog, temporary } from '../cli/cli.ts'

/** Blocks of one language, in order. */
function blocks(guide: string, language: string): string[] {
  return [...guide.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text!)
}

/** A line of shell as its words: there are quotes of one kind, and no more to it. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
}

test('every command of "find the save that broke it" runs, and says what the guide says', async () => {
  const guide = readFileSync(resolve('docs/guides/find-the-save-that-broke-it.md'), 'utf8')
  const cwd = temporary()
  writeFileSync(join(cwd, 'cart.ndjson'), blocks(guide, 'json')[0]!)
  writeFileSync(join(cwd, 'check.mjs'), blocks(guide, 'js')[0]!)
  const printed = new Map<string, string>()
  for (const line of blocks(guide, 'sh').join('').trimEnd().split('\n')) {
    const [runner, program, ...args] = wordsOf(line.split(' > ')[0]!)
    expect([runner, program]).toEqual(['npx', 'sessionlog'])
    const { code, stdout } = await sessionlog(args, { cwd })
    expect(code, line).toBe(0)
    printed.set(line, stdout)
  }
  const of = (start: string) => [...printed].find(([line]) => line.startsWith(`npx sessionlog ${start}`))![1]
  const said = blocks(guide, 'text')[0]!.trimEnd().split('\n')
  for (const line of said) expect(of('bisect cart-42 --expr').split('\n')).toContain(line)
  expect(of('bisect cart-42 --run')).toMatch(/^version +5$/m)
  expect(of('blame')).toContain('SPRING')
  expect(of('audit --actor promo --path').trimEnd().split('\n')).toHaveLength(2)
  expect(of('audit --actor promo --format csv')).toMatch(/^position,.*\r\n4,cart-42,4,discounted,/)
})
