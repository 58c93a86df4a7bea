import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

const readme = readFileSync('README.md', 'utf8')
const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(match => match[1]!)

/** What a snippet says that it prints, in the comments behind its console.log calls. */
const claims = (snippet: string) =>
  [...snippet.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(match => match[1]!.split(' — ')[0]!.trim())

/** Runs a snippet as a program in an empty project in which this package is installed. */
function run(snippet: string): string {
  const project = mkdtempSync(join(tmpdir(), 'sessionlog-readme-'))
  onTestFinished(() => rmSync(project, { recursive: true, force: true }))
  const source = snippet.replaceAll("'sessionlog'", `'${resolve('src/index.ts')}'`)
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(project, 'program.ts'), source)
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'), 'junction')
  const tsx = import.meta.resolve('tsx')
  return execFileSync(process.execPath, ['--import', tsx, 'program.ts'], { cwd: project, encoding: 'utf8' })
}

describe('the README', () => {
  test.each(
    snippets.map((snippet, index) => [index + 1, snippet]),
  )('snippet %i runs and prints what it says', (_, snippet) => {
    const printed = run(snippet as string)
    for (const claim of claims(snippet as string)) expect(printed).toContain(claim)
  })

  test('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map(match => match[1]!)
    expect(links.filter(link => !existsSync(link))).toEqual([])
  })

  test('begins with the two commands', () => {
    const commands = readme.match(/```sh\n([\s\S]*?)```/)![1]!
    expect(commands).toContain('npm ci && npm start')
    expect(commands).toContain('npm ci && npm test')
  })
})
