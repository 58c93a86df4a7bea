/** Walks through the guide on LangGraph: its files are written and run in its order, its commands as they stand. */
import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporary } from '../support/store.ts'

const guide = readFileSync('docs/guides/agents-of-langgraph.md', 'utf8')
const sources = {
  "'sessionlog/langgraph'": `'${resolve('src/adapters/langgraph.ts')}'`,
  "'sessionlog'": `'${resolve('src/index.ts')}'`,
}

/** What a program says that it prints, in the comments behind its console.log calls. */
const claims = (code: string) => [...code.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(match => match[1]!)

describe.skipIf(process.platform === 'win32')('the guide on LangGraph', () => {
  test('does what it says', () => {
    const folder = temporary()
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
    const tsx = import.meta.resolve('tsx')
    const main = `"${process.execPath}" --import ${tsx} "${resolve('src/cli/main.ts')}"`
    const run = (file: string, args: string[]) => execFileSync(file, args, { cwd: folder, encoding: 'utf8' })
    const printed: string[] = []
    const programs: string[] = []
    for (const [, kind, name, block] of guide.matchAll(/```(ts|sh) ?([\w.]*)\n([\s\S]*?)```/g)) {
      if (kind === 'sh') {
        const commands = block!.trim().split('\n')
        for (const command of commands)
          printed.push(run('sh', ['-c', command.replaceAll('npx sessionlog', main)]))
        continue
      }
      const code = Object.entries(sources).reduce((code, [from, to]) => code.replaceAll(from, to), block!)
      writeFileSync(join(folder, name!), code)
      const said = run(process.execPath, ['--import', tsx, name!])
      expect(said.trim().split('\n')).toEqual(claims(code).length === 0 ? [''] : claims(code))
      programs.push(name!)
    }
    expect(programs).toEqual(['shop.ts', 'sell.ts', 'mend.ts', 'people.ts', 'forget.ts'])
    const [history, blame, bisect, audit, replay] = printed
    expect(history).toContain('checkpointed')
    expect(blame).toContain('node price')
    const answer = /```text\n(version[\s\S]*?)```/.exec(guide)![1]!
    for (const line of answer.trim().split('\n')) expect(bisect!.split('\n')).toContain(line)
    expect(audit).toContain('node price')
    expect(replay!.trim().split('\n').length).toBeGreaterThan(10)
  })
})
