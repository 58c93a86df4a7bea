/** The guide to sessions: each of its servers is started as it stands, and used; then its commands are run. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporary } from '../support/store.ts'

const guide = readFileSync('docs/guides/sessions-of-express.md', 'utf8')
const programs = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)
const commands = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => block!.trim().split('\n'))
  .filter(command => command.startsWith('npx'))

test.each(
  ['Express', 'Fastify', 'Koa'].map((name, index) => [name, programs[index]!]),
)('the guide to sessions: what %s does is in the log', async (_, program) => {
  const folder = temporary()
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const source = program
    .replace("'sessionlog'", `'${resolve('src/index.ts')}'`)
    .replace(/'sessionlog\/(\w+)'/, (_, name) => `'${resolve('src/adapters', `${name}.ts`)}'`)
  writeFileSync(join(folder, 'app.ts'), source)
  const tsx = import.meta.resolve('tsx')
  const child = spawn(process.execPath, ['--import', tsx, 'app.ts'], {
    cwd: folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const port = /port: (\d+)/.exec(line as string)![1]
  const cookies = new Map<string, string>()
  for (const path of ['/login/ada', '/add/tea', '/add/milk', '/logout']) {
    const cookie = [...cookies].map(pair => pair.join('=')).join('; ')
    const response = await fetch(`http://localhost:${port}${path}`, { headers: { cookie } })
    expect([path, response.status, await response.text()].slice(0, 2)).toEqual([path, 200])
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = set.split(';')[0]!.split('=')
      cookies.set(name, value)
    }
  }
  const main = `"${process.execPath}" --import ${tsx} "${resolve('src/cli/main.ts')}"`
  const [byAda, ofCarts] = commands.map(command =>
    execFileSync('sh', ['-c', command.replace('npx sessionlog', main)], { cwd: folder, encoding: 'utf8' }),
  )
  expect(byAda).toContain('deleted')
  for (const printed of [byAda, ofCarts]) expect(printed).toMatch(/ada[\s\S]*tea[\s\S]*milk/)
})
