import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { temporary } from './store.ts'

/** Where the package's names lead in this repository. */
function sourceOf(name: string): string {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
  const { default: built } = exports[name.replace('sessionlog', '.')]
  return pathToFileURL(resolve(built.replace('./dist', 'src').replace(/js$/, 'ts'))).href
}

/** Runs each TypeScript program of a guide in the same folder, one after the other; what each says that it prints, and prints. */
export function runSnippets(guide: string): { claims: string[]; printed: string }[] {
  const folder = temporary()
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
  const text = readFileSync(guide, 'utf8')
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, snippet]) => {
    const source = snippet!.replaceAll(/'(sessionlog(?:\/[a-z-]+)?)'/g, (_, name) => `'${sourceOf(name)}'`)
    writeFileSync(join(folder, 'program.ts'), source)
    const args = ['--import', import.meta.resolve('tsx'), 'program.ts']
    const printed = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
    const said = snippet!.matchAll(/console\.log\(.*\) \/\/ (.*)/g)
    return { claims: [...said].map(([, claim]) => claim!.trim()), printed }
  })
}
